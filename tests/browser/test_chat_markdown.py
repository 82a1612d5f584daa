"""Answers in the chat page: shown as they were meant, and nothing that arrives is run."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.browser.chat_stage import arrived, shown, write
from tests.stopwatch import Stopwatch

STATIC = Path(__file__).parents[2] / "khronos" / "desk" / "static" / "desk"
pytestmark = pytest.mark.usefixtures("bus")


@pytest.fixture(scope="module")
def bare(browser: Browser) -> Iterator[Page]:
    """A page with the scripts alone, for what needs no server."""

    def serve(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        if name.endswith(".js"):
            route.fulfill(path=STATIC / name, content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html>", content_type="text/html")

    context = browser.new_context()
    context.route("**/*", serve)
    opened = context.new_page()
    opened.goto("http://khronos.invalid/")
    yield opened
    context.close()


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**bold**, *thin*, ~~gone~~", "<p><strong>bold</strong>, <em>thin</em>, <s>gone</s></p>"),
        ("__bold__ and _thin_", "<p><strong>bold</strong> and <em>thin</em></p>"),
        ("**a *b* c**", "<p><strong>a <em>b</em> c</strong></p>"),
        ("snake_case_name and 2*3*4 and * alone", "<p>snake_case_name and 2*3*4 and * alone</p>"),
        (r"\*plain\* and 1 \< 2", r"<p>*plain* and 1 \&lt; 2</p>"),
        ("`a < b` and ``a `b` c``", "<p><code>a &lt; b</code> and <code>a `b` c</code></p>"),
        ("`**not bold**`", "<p><code>**not bold**</code></p>"),
        ("one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>"),
        ("# Title\ntext", '<p class="heading">Title</p><p>text</p>'),
        ("> quoted\n> more\nnot", "<blockquote><p>quoted<br>more</p></blockquote><p>not</p>"),
        ("---", "<hr>"),
        ("- a\n- b\n  - c\n\n- d",
         "<ul><li><p>a</p></li><li><p>b</p><ul><li><p>c</p></li></ul></li><li><p>d</p></li></ul>"),
        ("Steps:\n3. x\n4. y", '<p>Steps:</p><ol start="3"><li><p>x</p></li><li><p>y</p></li></ol>'),
        ("**unclosed and `open", "<p>**unclosed and `open</p>"),
        ("<b>x</b> &amp; <script>alert(1)</script>",
         "<p>&lt;b&gt;x&lt;/b&gt; &amp;amp; &lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("[x](data:text/html,y)", "<p>[x](data:text/html,y)</p>"),
    ],
)  # fmt: skip
def test_markdown(bare: Page, text: str, html: str) -> None:
    assert bare.evaluate(MARKDOWN, text) == html


MARKDOWN = """async (text) => {
    const { markdown } = await import("/static/desk/markdown.js");
    const holder = document.createElement("div");
    holder.append(markdown(text));
    return holder.innerHTML;
}"""


@pytest.mark.parametrize(
    ("text", "href", "label"),
    [
        ("[docs](https://x.example/a_b(c)?d=1)", "https://x.example/a_b(c)?d=1", "docs"),
        ("see https://x.example/a.", "https://x.example/a", "https://x.example/a"),
        ("**https://x.example/**", "https://x.example/", "https://x.example/"),
        ("[mail](mailto:a@x.example)", "mailto:a@x.example", "mail"),
        ('[x](https://x.example/"onclick=alert(1))', "https://x.example/&quot;onclick=alert(1)", "x"),
    ],
)
def test_link_opens_elsewhere_and_tells_nothing(bare: Page, text: str, href: str, label: str) -> None:
    html = bare.evaluate(MARKDOWN, text)
    [(attributes, content)] = re.findall(r"<a ([^>]*)>([^<]*)</a>", html)
    found = dict(re.findall(r'(\w+)="([^"]*)"', attributes))
    assert (found["href"], content) == (href, label)
    assert (found["target"], found["rel"]) == ("_blank", "noopener noreferrer nofollow")


def test_code_block_keeps_its_signs_and_scrolls_within_itself(page: Page) -> None:
    code = "if a < b and c:\n    print('**not bold**', " + "'long' * 40)  # " + "x" * 200
    shown(page, f"Look:\n```python\n{code}\n```\nDone.")
    assert page.locator(".message.bot pre").inner_text() == code
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.getElementById('scroller').scrollWidth <= innerWidth")


def test_code_in_a_list_stays_in_its_item(page: Page) -> None:
    shown(page, "1. Run:\n   ```sh\n   make up\n     indented\n   ```\n2. Done")
    assert page.locator(".message.bot ol > li").count() == 2
    assert page.locator(".message.bot li pre").inner_text() == "make up\n  indented"


def test_long_word_does_not_widen_the_page(page: Page) -> None:
    shown(page, "x" * 3000)
    assert page.evaluate("document.getElementById('scroller').scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    "sign", ["*", "_", "**", "`", "[", "~~", "(", "> ", "- ", "#", "\\", "https://", "1. "]
)
def test_hostile_markdown_takes_no_time(bare: Page, sign: str) -> None:
    with Stopwatch() as watch:
        bare.evaluate(MARKDOWN, sign * 10_000)
    assert watch.took_s < 2


def test_what_the_visitor_writes_is_text(page: Page) -> None:
    write(page, "<img src=x onerror=alert(1)> **no**")
    arrived(page)
    assert page.locator(".contact .bubble").inner_text() == "<img src=x onerror=alert(1)> **no**"
    assert page.locator(".contact .bubble *").count() == 0
