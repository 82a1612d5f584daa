"""A model's Markdown as Telegram's HTML: nothing that Telegram refuses, no word lost."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.simulator.telegram.markup import html
from khronos.channels.markdown import plain, to_html

MARKS = (
    "**",
    "*",
    "_",
    "__",
    "`",
    "```",
    "```py\n",
    "~~",
    "\n",
    "\n\n",
    " ",
    "# ",
    "- ",
    "  - ",
    "1. ",
    "> ",
)
MORE = (
    "[",
    "](",
    ")",
    "](https://a.b/?c=d&e)",
    "![",
    "<b>",
    "&amp;",
    "&",
    "<",
    '"',
    "\\",
    "|",
    "|-|-|\n",
    "---\n",
)
texts = st.lists(st.one_of(st.sampled_from([*MARKS, *MORE]), st.text(max_size=6))).map("".join)


def letters(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]", text)


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("**bold** text", "<b>bold</b> text"),
        ("__bold__ text", "__bold__ text"),
        ("__very bold__ text", "<b>very bold</b> text"),
        ("*slanted* and _slanted_", "<i>slanted</i> and <i>slanted</i>"),
        ("***both***", "<i><b>both</b></i>"),
        ("~~gone~~", "<s>gone</s>"),
        ("`a < b`", "<code>a &lt; b</code>"),
        ("a `*` b", "a <code>*</code> b"),
        ("# Head\ntext", "<b>Head</b>\ntext"),
        ("## Head **bold** `code`\n\ntext", "<b>Head bold <code>code</code></b>\n\ntext"),
        ("[site](https://a.b/?c=1&d=2)", '<a href="https://a.b/?c=1&amp;d=2">site</a>'),
        ("[**b**](https://a.b)", '<a href="https://a.b"><b>b</b></a>'),
        ("[](https://a.b)", "https://a.b"),
        ("[here](/path)", "here (/path)"),
        ("[x](javascript:alert)", "[x](javascript:alert)"),
        ("![picture](https://a.b/c.png)", '<a href="https://a.b/c.png">picture</a>'),
        ("[![p](https://a.b/c.png)](https://d.e)", '<a href="https://d.e">p</a>'),
        ("- a\n- b", "• a\n• b"),
        ("* a\n    * b\n* c", "• a\n  • b\n• c"),
        ("Fruit:\n- a\n\nMore:\n\n- b", "Fruit:\n• a\n\nMore:\n\n• b"),
        ("1. a\n1. b", "1. a\n2. b"),
        ("7) a\n8) b", "7) a\n8) b"),
        ("- [ ] a\n- [x] b", "☐ a\n☑ b"),
        ("- a\n  b", "• a\n  b"),
        ("> a\n> b", "<blockquote>a\nb</blockquote>"),
        ("> a\n>> b", "<blockquote>a\nb</blockquote>"),
        ("> - a", "<blockquote>• a</blockquote>"),
        ("a\n\n---\n\nb `c`", "a\n\n———\n\nb <code>c</code>"),
        ("```\na < b\n```", "<pre>a &lt; b</pre>"),
        ("```py\nx = 1\n```", '<pre><code class="language-py">x = 1</code></pre>'),
        ("```py\nx = 1", '<pre><code class="language-py">x = 1</code></pre>'),
        ('```"><b>\nx\n```', "<pre>x</pre>"),
        ("a **b\nc** d", "a <b>b\nc</b> d"),
        ("5 * 3 < 20 & 2 * 2", "5 * 3 &lt; 20 &amp; 2 * 2"),
        ("snake_case_name", "snake_case_name"),
        ("__init__ and `x`", "__init__ and <code>x</code>"),
        ("\\*not bold\\*", "*not bold*"),
        ("<b>*x*</b> &lt;", "&lt;b&gt;<i>x</i>&lt;/b&gt; &amp;lt;"),
        ("[1]: https://a.b", "[1]: https://a.b"),
        ("Title\n---\n`x`", "Title\n———\n<code>x</code>"),
        ("```\n```", "```\n```"),
    ],
)
def test_markdown_becomes_html(markdown: str, expected: str) -> None:
    assert to_html(markdown) == expected


@pytest.mark.parametrize(
    "text", ["Hello, Ana!", "a < b & c > d", "10.5 is more", "one\n\ntwo", "e-mail: a@b.c", "C# is fine", ""]
)
def test_text_without_markup_goes_as_it_is(text: str) -> None:
    assert to_html(text) is None
    assert plain(text) == text


def test_table_becomes_even_columns() -> None:
    table = "| Fruit | Price |\n|---|--:|\n| **Apple** | 1 |\n| 桃 | 20 |"
    assert to_html(table) == "<pre>Fruit | Price\n------+------\nApple | 1\n桃    | 20</pre>"


def test_table_with_more_cells_than_its_head_is_shown_as_it_was_written() -> None:
    table = "| a | b |\n|---|---|\n| c | d | e |"
    assert to_html(table) == f"<pre>{table}</pre>"


def test_plain_shows_the_words_and_the_addresses() -> None:
    text = "# Head\n\n**Read** [this](https://a.b) or https://c.d:\n- `x`\n\n> said"
    assert plain(text) == "Head\n\nRead this (https://a.b) or https://c.d:\n• x\n\nsaid"


def test_what_would_show_nothing_is_shown_as_it_was_written() -> None:
    assert plain("```\n\n```") == "```\n\n```"
    assert to_html("[]()") == "[]()"


def test_what_is_nested_too_deep_is_shown_as_it_was_written() -> None:
    deep = "> " * 500 + "a"
    assert plain(deep) == deep


@given(texts)
def test_telegram_never_refuses_our_html(text: str) -> None:
    written = to_html(text)
    if written is not None:
        html.parse(written)


@given(texts)
def test_html_and_plain_words_show_the_same(text: str) -> None:
    """Plain words have a link's address besides."""
    shown = html.parse(to_html(text) or "")
    if "](" not in text:
        assert shown == (plain(text) if to_html(text) is not None else "")


@given(st.lists(st.one_of(st.sampled_from(MARKS[:7] + MARKS[8:]), st.text(max_size=6))).map("".join))
def test_no_letter_is_lost(text: str) -> None:
    if "```" not in text and "~~~" not in text:  # their first line names a language
        assert letters(plain(text)) == letters(text.replace("\0", ""))
