"""A model's Markdown as Telegram's HTML, and as plain words.

The grammar is CommonMark with tables and strikethrough, less what swallows or disguises text in a chat:
raw HTML, entities, link definitions, indented code and underlined headings are shown as they were written.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

from khronos.channels.markdown.pens import HtmlPen, Pen, PlainPen
from khronos.channels.markdown.writing import Writing

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

# Text without any of these is the same with and without markup, and spares us the parser.
MARKS = re.compile(r"[*_`~\[\\|]|^ *(?:>|#|[-+](?:\s|$)|\d{1,9}[.)](?:\s|$)|---)", re.MULTILINE)
DISABLED = ["code", "lheading", "reference", "html_block", "html_inline", "entity", "autolink"]
NESTING_MAX = 60  # the parser leaves out what is deeper; a text that deep is no prose


def to_html(text: str) -> str | None:
    """Telegram's HTML; None where the text can go as it is."""
    return written(text, HtmlPen()) if MARKS.search(text) else None


def plain(text: str) -> str:
    """The words as a reader sees them, without markup; links show their address."""
    return written(text, PlainPen()) if MARKS.search(text) else text


def written(text: str, pen: Pen) -> str:
    """What would show nothing at all, or is nested too deep for the parser, is shown as it was written."""
    tokens = parser().parse(text)
    if any(token.level >= NESTING_MAX - 1 for token in tokens):
        return pen.escape(text)
    writing = Writing(pen, text)
    writing.write(tokens)
    return pen.escape(text) if pen.is_blank(writing.text) else writing.text


@cache
def parser() -> "MarkdownIt":
    """Loaded by the first text that needs it: most processes send nothing and save 6 MB."""
    from markdown_it import MarkdownIt  # noqa: PLC0415

    options = {"html": False, "maxNesting": NESTING_MAX}
    return MarkdownIt("commonmark", options).enable(["table", "strikethrough"]).disable(DISABLED)
