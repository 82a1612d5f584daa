"""The chat page in a real browser: nothing that was written is lost, nothing that arrives is run."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from khronos.intake import channels
from khronos.models import Conversation, Message, Turn, Update
from tests.factories import make_channel
from tests.integration import way

STATIC = Path(__file__).parents[2] / "khronos" / "desk" / "static" / "desk"
SOON_MS = 10_000
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


@pytest.fixture
def chat(live_server: LiveServer) -> str:
    channels.forget()
    make_channel(slug="chat", kind="web", token="", secret="hush")
    return f"{live_server.url}/chat/"


@pytest.fixture
def page(browser: Browser, chat: str) -> Iterator[Page]:
    """A visitor's first look. Whatever the browser complains of fails the test."""
    context = browser.new_context(locale="en-US", viewport={"width": 390, "height": 844})
    context.set_default_timeout(SOON_MS)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: note(said, complaints))
    opened.goto(chat)
    expect(opened.locator("#state")).to_contain_text("Connected")
    yield opened
    context.close()
    assert complaints == []


def note(said: ConsoleMessage, complaints: list[str]) -> None:
    if said.type in ("error", "warning") and "Failed to load resource" not in said.text:
        complaints.append(said.text)


def write(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


def arrived(page: Page, count: int = 1) -> None:
    """Wait until the server has so many updates, without a message of ours that waits."""
    expect(page.locator(".contact[data-state=sent]")).to_have_count(count)


def answer(text: str, author: str = "bot") -> None:
    way.dispatch()
    conversation = Conversation.objects.get()
    Message.objects.create(conversation=conversation, author=author, text=text)
    Turn.objects.unsettled().update(state=Turn.State.ANSWERED, due_at=None)


def shown(page: Page, text: str) -> None:
    """An answer, as the page shows it."""
    write(page, "Question")
    arrived(page)
    answer(text)
    expect(page.locator(".message.bot")).to_have_count(1)


def bubble(page: Page) -> str:
    return page.locator(".message.bot .bubble").inner_html()


def cut(route: Route) -> None:
    route.abort()


# Talking


def test_question_is_answered_while_dots_dance(page: Page) -> None:
    write(page, "Hello there")
    expect(page.locator("#thinking")).to_be_visible()
    expect(page.locator("#welcome")).to_be_hidden()
    arrived(page)
    answer("Good **day**")
    expect(page.locator(".message.bot strong")).to_have_text("day")
    expect(page.locator("#thinking")).to_be_hidden()
    assert Update.objects.count() == 1


def test_example_is_a_question(page: Page) -> None:
    page.get_by_role("button", name="How do I talk to a person?").click()
    arrived(page)
    way.dispatch()
    assert Message.objects.get().text == "How do I talk to a person?"


def test_enter_sends_and_shift_enter_does_not(page: Page) -> None:
    box = page.get_by_label("Your message")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    box.press_sequentially("one")
    page.keyboard.press("Shift+Enter")
    box.press_sequentially("two")
    assert Update.objects.count() == 0
    page.keyboard.press("Enter")
    arrived(page)
    way.dispatch()
    assert Message.objects.get().text == "one\ntwo"
    expect(box).to_have_value("")
    expect(box).to_be_focused()


def test_people_and_notices_have_their_own_look(page: Page) -> None:
    write(page, "/human")
    arrived(page)
    answer("You are waiting for a person.", "system")
    answer("This is Ana.", "operator")
    expect(page.locator(".message.system")).to_contain_text("waiting")
    expect(page.locator(".message.operator")).to_contain_text("Operator")


def test_conversation_is_there_after_a_reload(page: Page) -> None:
    shown(page, "An answer")
    page.reload()
    expect(page.locator(".message")).to_have_count(2)
    expect(page.locator("#welcome")).to_be_hidden()


def test_edit_changes_the_message_in_its_place(page: Page) -> None:
    shown(page, "Frist")
    answer("Second")
    expect(page.locator(".message.bot")).to_have_count(2)
    first = Message.objects.filter(author="bot").earliest("pk")
    first.text = "First"
    first.edited_at = first.created_at.now(first.created_at.tzinfo)
    first.save()
    expect(page.locator(".message.bot").first).to_contain_text("First")
    expect(page.locator(".message.bot").first).to_contain_text("edited")
    expect(page.locator(".message.bot")).to_have_count(2)


def test_news_below_wait_for_a_reader_who_scrolled_up(page: Page) -> None:
    shown(page, "\n\n".join(str(number) for number in range(60)))
    scroller = page.locator("#scroller")
    scroller.evaluate("node => { node.scrollTop = 0; }")
    answer("News")
    page.get_by_role("button", name="New messages").click()
    expect(page.locator(".message.bot").last).to_be_in_viewport()
    expect(page.locator("#newest")).to_be_hidden()


def test_long_answer_shows_its_beginning(page: Page) -> None:
    shown(page, "The beginning\n\n" + "\n\n".join(str(number) for number in range(60)))
    expect(page.get_by_text("The beginning")).to_be_in_viewport()


def test_two_tabs_show_one_conversation(page: Page) -> None:
    other = page.context.new_page()
    other.goto(page.url)
    write(page, "From the first tab")
    arrived(page)
    answer("To both")
    for tab in (page, other):
        expect(tab.locator(".message.contact")).to_have_count(1)
        expect(tab.locator(".message.bot")).to_have_count(1)


# Losing nothing


def test_lost_connection_is_told_and_nothing_is_lost_or_doubled(page: Page) -> None:
    page.route("**/chat/messages*", cut)
    write(page, "Are you there?")
    expect(page.locator("#banner")).to_contain_text("Connection lost, trying again")
    expect(page.locator(".contact")).to_contain_text("Waiting to be sent")
    assert Update.objects.count() == 0
    page.unroute("**/chat/messages*")
    page.get_by_role("button", name="Try now").click()
    arrived(page)
    expect(page.locator("#banner")).to_be_hidden()
    assert Update.objects.count() == 1


def test_lost_acknowledgement_stores_once(page: Page) -> None:
    """The server has stored it, the page does not know: the same id is sent again."""
    lost: list[int] = []

    def lose_the_first_answer(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    page.route("**/chat/messages*", lose_the_first_answer)
    write(page, "Once, please")
    arrived(page)
    page.unroute("**/chat/messages*")
    assert lost == [202]
    assert Update.objects.count() == 1


def test_unsent_messages_and_the_draft_outlive_the_page_in_order(page: Page) -> None:
    page.route("**/chat/messages*", cut)
    write(page, "one")
    write(page, "two")
    page.get_by_label("Your message").fill("a draft")
    page.unroute("**/chat/messages*")
    page.route("**/chat/messages*", cut)
    page.reload()
    expect(page.locator(".contact")).to_have_count(2)
    expect(page.get_by_label("Your message")).to_have_value("a draft")
    page.unroute("**/chat/messages*")
    arrived(page, 2)
    way.dispatch()
    assert list(Message.objects.order_by("pk").values_list("text", flat=True)) == ["one", "two"]


def test_acknowledged_message_is_shown_before_it_is_dispatched(page: Page) -> None:
    write(page, "Stored, not yet dispatched")
    arrived(page)
    page.reload()
    expect(page.locator(".contact")).to_have_count(1)
    expect(page.locator("#thinking")).to_be_visible()
    answer("Here it is")
    expect(page.locator(".message")).to_have_count(2)
    assert Update.objects.count() == 1


def test_busy_server_is_asked_again(page: Page) -> None:
    answers: list[int] = []

    def busy_once(route: Route) -> None:
        if route.request.method == "POST" and not answers:
            answers.append(503)
            route.fulfill(status=503, headers={"Retry-After": "0"}, body="{}")
        else:
            route.continue_()

    page.route("**/chat/messages*", busy_once)
    write(page, "Patience")
    arrived(page)
    page.unroute("**/chat/messages*")
    assert Update.objects.count() == 1


def test_refused_message_says_why_and_does_not_hold_up_the_next(page: Page) -> None:
    page.get_by_label("Your message").evaluate("box => box.maxLength = 100000")
    write(page, "x" * 8001)
    expect(page.locator(".contact[data-state=refused]")).to_contain_text("Too long")
    write(page, "short")
    arrived(page)
    assert Update.objects.count() == 1


def test_lost_cookie_is_replaced_and_the_message_sent(page: Page) -> None:
    page.context.clear_cookies()
    write(page, "Do you know me?")
    arrived(page)
    assert Update.objects.count() == 1


# Showing answers safely


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
    took = bare.evaluate(f"async (text) => {{ const t = performance.now(); await ({MARKDOWN})(text);"
                         " return performance.now() - t; }", sign * 10_000)  # fmt: skip
    assert took < 2000


def test_what_the_visitor_writes_is_text(page: Page) -> None:
    write(page, "<img src=x onerror=alert(1)> **no**")
    arrived(page)
    assert page.locator(".contact .bubble").inner_text() == "<img src=x onerror=alert(1)> **no**"
    assert page.locator(".contact .bubble *").count() == 0


# For everybody


def test_keyboard_reaches_everything(page: Page) -> None:
    page.locator(".skip").focus()
    expect(page.locator(".skip")).to_be_in_viewport()
    seen = []
    for _ in range(5):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    examples = ["What can you do for me?", "How do I talk to a person?", "What happens to my data?"]
    assert seen == ["scroller", *examples, "text"]


def test_screen_readers_are_told(page: Page) -> None:
    log = page.get_by_role("log")
    expect(log).to_have_attribute("aria-live", "polite")
    expect(log).to_have_attribute("aria-busy", "false")
    assert page.get_by_label("Your message").count() == 1
    assert page.get_by_role("status").count() >= 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page: Page, scheme: str) -> None:
    """WCAG AA: 4.5 to 1 for every text on the page."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    shown(page, "A *thin* [link](https://x.example/) and `code`\n\n> quoted\n\n```py\nx\n```")
    poor = [found for found in page.evaluate(CONTRASTS) if found["ratio"] < 4.5]
    assert poor == []


CONTRASTS = """() => {
    const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
        .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (node) => {
        for (; node; node = node.parentElement) {
            const colour = channels(getComputedStyle(node).backgroundColor);
            if (colour.length < 4 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const own = (node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    return [...document.querySelectorAll("body *")].filter((node) => own(node) && node.checkVisibility())
        .map((node) => {
            const [one, other] = [channels(getComputedStyle(node).color), ground(node)].map(luminance);
            const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
            return { text: node.textContent.trim().slice(0, 40), ratio: Math.round(ratio * 100) / 100 };
        });
}"""


def test_portuguese_browser_gets_a_portuguese_page(browser: Browser, chat: str) -> None:
    context = browser.new_context(locale="pt-BR")
    opened = context.new_page()
    opened.goto(chat)
    expect(opened.locator("h2")).to_have_text("Olá! Como posso ajudar?")
    expect(opened.locator("#state")).to_contain_text("Conectado")
    context.close()


def test_page_loads_nothing_from_elsewhere(browser: Browser, chat: str) -> None:
    context = browser.new_context()
    opened = context.new_page()
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(chat)
    opened.wait_for_load_state("networkidle")
    context.close()
    home = re.match(r"http://[^/]+/", chat)
    assert home is not None
    assert [url for url in asked if not url.startswith(home[0])] == []
