"""The simulator refuses the markup that Telegram refuses, and shows what Telegram shows."""

import pytest

from bench.simulator.telegram.errors import ApiError
from bench.simulator.telegram.markup import plain_text

GOOD = [
    ("", "*not* markup at all_", "*not* markup at all_"),
    ("Markdown", "*b* _i_ `c` [x](http://y) a\\_b", "b i c x a_b"),
    ("Markdown", "```python\nx_y\n``` ok. 1 + 1!", "x_y\n ok. 1 + 1!"),
    ("markdown", "back\\slash", "back\\slash"),
    ("MarkdownV2", "*b _i __u__ i_* `a.b` \\. [x\\.](http://a.b/c_d)", "b i u i a.b . x."),
    ("MarkdownV2", "||hidden|| ~gone~", "hidden gone"),
    ("MarkdownV2", ">quoted\n>more\nend", "quoted\nmore\nend"),
    ("MarkdownV2", "```\n*not bold*\n```", "*not bold*\n"),
    ("HTML", '<b>x &lt; y</b> <a href="q">l</a> a & b &#33;', "x < y l a & b !"),
    ("HTML", '<pre><code class="language-py">z</code></pre>', "z"),
    ("HTML", '<span class="tg-spoiler">s</span>', "s"),
]

BAD = [
    ("Markdown", "snake_case", "Can't find end of the entity starting at byte offset 5"),
    ("Markdown", "é *b", "Can't find end of the entity starting at byte offset 3"),
    ("MarkdownV2", "Hello.", "Character '.' is reserved and must be escaped with the preceding '\\'"),
    ("MarkdownV2", "1 + 1", "Character '+' is reserved and must be escaped with the preceding '\\'"),
    ("MarkdownV2", "a | b", "Character '|' is reserved and must be escaped with the preceding '\\'"),
    ("MarkdownV2", "*open", "Can't find end of Bold entity at byte offset 0"),
    ("MarkdownV2", "*a _b* c_", "Can't find end of Italic entity at byte offset 8"),
    ("MarkdownV2", "[x](http://a", "Can't find end of a URL at byte offset 3"),
    ("HTML", "a < b", 'Unsupported start tag "" at byte offset 2'),
    ("HTML", "<p>x</p>", 'Unsupported start tag "p" at byte offset 0'),
    ("HTML", "<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
    ("HTML", "<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
    ("HTML", "x</b>", "Unexpected end tag at byte offset 1"),
    ("HTML", "<b", "Unclosed start tag at byte offset 0"),
    ("HTML", "<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
]


@pytest.mark.parametrize(("mode", "text", "shown"), GOOD)
def test_good_markup_leaves_the_text(mode: str, text: str, shown: str) -> None:
    assert plain_text(text, mode) == shown


@pytest.mark.parametrize(("mode", "text", "reason"), BAD)
def test_broken_markup_is_refused_in_telegrams_words(mode: str, text: str, reason: str) -> None:
    with pytest.raises(ApiError) as refusal:
        plain_text(text, mode)
    assert refusal.value.description == f"Bad Request: can't parse entities: {reason}"
    assert refusal.value.code == 400


def test_unknown_mode_is_refused() -> None:
    with pytest.raises(ApiError, match="unsupported parse_mode"):
        plain_text("x", "BBCode")
