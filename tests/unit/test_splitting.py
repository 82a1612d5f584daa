"""Long texts are cut where a reader pauses, and nothing of them is lost."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khronos.channels.fences import FENCE
from khronos.channels.markdown import plain
from khronos.channels.splitting import split, units

LIMIT = 4096

MARKS = ("**", "*", "_", "`", "```", "~~~\n", "\n\n", "\n", " ", ". ", "- ", "> ", "1. ", "# ", "word")
BLOCKS = ("```python\n", "\n```\n", "| a | b |\n", "|---|---|\n", "[link](https://example.com/a)")
SIGNS = ("😀", "👨\u200d👩\u200d👧", "🇧🇷", "e\u0301", "。")
marks = st.sampled_from([*MARKS, *BLOCKS, *SIGNS])
texts = st.lists(st.one_of(marks, st.text(max_size=8)), max_size=60).map("".join)


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def words(*parts: str) -> str:
    """All but white space and the lines that open or close a block of code."""
    return re.sub(r"\s", "", "\n".join(FENCE.sub("", part) for part in parts))


@given(st.text())
def test_units_are_those_of_utf_16(text: str) -> None:
    assert units(text) == utf16(text)


@given(texts, st.integers(24, 120))
def test_parts_fit_and_are_never_blank(text: str, limit: int) -> None:
    for part in split(text, limit):
        assert part.strip()
        assert utf16(part) <= limit
        assert utf16(plain(part)) <= limit


@given(
    st.lists(st.one_of(st.sampled_from(["a.", "bc ", "\n", "\n\n", "😀", "  "]), st.text(max_size=9))).map(
        "".join
    )
)
def test_prose_loses_only_white_space(text: str) -> None:
    if not FENCE.search(text):
        assert words(*split(text, 24)) == words(text)


@given(st.lists(st.text("ab \t", max_size=30), max_size=40), st.integers(40, 90))
def test_a_cut_block_of_code_is_closed_and_opened_again(code: list[str], limit: int) -> None:
    text = "before\n\n```python\n" + "\n".join(code) + "\n```\n\nafter"
    parts = split(text, limit)
    assert words(*parts) == words(text)
    assert all(part.count("```") % 2 == 0 for part in parts)


def test_short_text_is_one_part() -> None:
    assert split("Hello **Ana**!", LIMIT) == ["Hello **Ana**!"]


@pytest.mark.parametrize("text", ["", "  ", "\n\n"])
def test_blank_text_is_no_part(text: str) -> None:
    assert split(text, LIMIT) == []


def test_paragraph_end_is_preferred() -> None:
    first, second = "A sentence. " * 20, "Another one. " * 20
    assert split(f"{first.strip()}\n\n{second.strip()}", 400) == [first.strip(), second.strip()]


def test_without_paragraphs_a_line_ends_the_part() -> None:
    text = "\n".join(f"- item {number}" for number in range(30))
    parts = split(text, 200)
    assert all(part.startswith("- item") for part in parts)
    assert "\n".join(parts) == text


def test_without_lines_a_sentence_ends_the_part() -> None:
    parts = split("The quick brown fox jumps. " * 20, 100)
    assert len(parts) == 7
    assert all(part.endswith("jumps.") for part in parts)


def test_without_sentences_a_word_ends_the_part() -> None:
    parts = split("word " * 100, 48)
    assert set(" ".join(parts).split()) == {"word"}


def test_a_word_longer_than_a_part_is_cut_anywhere() -> None:
    assert "".join(split("x" * 10_000, LIMIT)) == "x" * 10_000
    assert len(split("x" * 10_000, LIMIT)) == 3


def test_emoji_count_two_and_are_never_cut() -> None:
    parts = split("😀" * 5000, LIMIT)
    assert "".join(parts) == "😀" * 5000
    assert len(parts) == 3
    assert max(map(utf16, parts)) <= LIMIT


@pytest.mark.parametrize("sign", ["👨\u200d👩\u200d👧\u200d👦", "🇧🇷", "👍🏽", "e\u0301", "❤\ufe0f"])
def test_what_a_reader_sees_as_one_sign_is_never_cut(sign: str) -> None:
    for part in split(sign * 300, 100):
        assert part.count(sign) * len(sign) == len(part)


def test_a_link_is_not_cut_at_the_space_in_its_label() -> None:
    text = "word " * 16 + "[a label of some words](https://example.com/path) " + "word " * 16
    assert any("[a label of some words](https://example.com/path)" in part for part in split(text, 96))


def test_code_continues_in_its_own_language() -> None:
    text = "```python\n" + "\n".join(f"print({number})" for number in range(100)) + "\n```"
    parts = split(text, 400)
    assert all(part.startswith("```python\nprint(") and part.endswith(")\n```") for part in parts)
    lines = [line for part in parts for line in part.split("\n")[1:-1]]
    assert lines == [f"print({number})" for number in range(100)]


def test_text_is_cut_before_a_block_of_code_that_does_not_fit_beside_it() -> None:
    code = "```\n" + "x = 1\n" * 50 + "```"
    assert split("Words. " * 20 + "\n\n" + code, 420) == [("Words. " * 20).strip(), code]


def test_a_table_that_grows_when_it_is_shown_still_fits() -> None:
    table = "|a|" + "b|" * 20 + "\n|-|" + "-|" * 20 + "\n" + ("|c|" + "d" * 25 + "|" + "e|" * 19 + "\n") * 60
    assert all(utf16(plain(part)) <= LIMIT for part in split(table, LIMIT))


def test_a_very_long_text_is_split_in_reasonable_time() -> None:
    assert len(split("Some words of **no** great weight. " * 6000, LIMIT)) == 52
