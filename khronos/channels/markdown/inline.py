"""Marks within a line: bold, italic, struck out, code, links and pictures."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from khronos.channels.markdown.pens import Pen, PlainPen

if TYPE_CHECKING:
    from markdown_it.token import Token

TAGS = {"strong": "b", "em": "i", "s": "s"}  # the parser's names and Telegram's
DUNDER = re.compile(r"[a-z0-9_]+")  # __init__ is a name, not a shout


def written_inline(tokens: Sequence["Token"], pen: Pen, indent: str = "", *, is_bold: bool = False) -> str:
    """One paragraph's tokens through a pen; `indent` goes before each line but the first."""
    return InlineWriting(pen, indent, is_bold).written(tokens)


class InlineWriting:
    def __init__(self, pen: Pen, indent: str, is_bold: bool) -> None:
        self._pen = pen
        self._indent = indent
        self._depth = Counter({"b": int(is_bold)})
        self._out: list[str] = []
        self._links: list[tuple[list[str], str]] = []  # what stood before each open link, and its address

    def written(self, tokens: Sequence["Token"]) -> str:
        names = name_positions(tokens)
        for position, token in enumerate(tokens):
            piece = token.markup if position in names else self._piece(token)
            self._out.append(piece)  # not in one line: a link changes what `_out` is
        return "".join(self._out)

    def _piece(self, token: "Token") -> str:
        match token.type:
            case "text":
                return self._pen.escape(token.content)
            case "softbreak" | "hardbreak":
                return "\n" + self._indent
            case "code_inline":
                return self._pen.code(token.content)
            case "image":
                label = written_inline(token.children or [], PlainPen())
                return self._linked(self._pen.escape(label), str(token.attrs.get("src", "")))
            case "link_open":
                self._links.append((self._out, str(token.attrs.get("href", ""))))
                self._out = []
                return ""
            case "link_close":
                label = "".join(self._out)
                self._out, address = self._links.pop()
                return self._linked(label, address)
            case _:
                return self._mark(token)

    def _linked(self, label: str, address: str) -> str:
        """A link cannot stand within another one."""
        return label if self._links and label.strip() else self._pen.link(label, address)

    def _mark(self, token: "Token") -> str:
        """Only the outermost of marks of one kind is written."""
        tag = TAGS.get(token.tag)
        if not tag:
            return self._pen.escape(token.content)
        self._depth[tag] += token.nesting
        if token.nesting > 0:
            return self._pen.open(tag) if self._depth[tag] == 1 else ""
        return self._pen.close(tag) if self._depth[tag] == 0 else ""


def name_positions(tokens: Sequence["Token"]) -> set[int]:
    """Where `__name__` was taken for bold; its marks are letters."""
    found: set[int] = set()
    for position, token in enumerate(tokens[:-2]):
        if token.type == "strong_open" and token.markup == "__":
            word, end = tokens[position + 1 : position + 3]
            if end.type == "strong_close" and word.type == "text" and DUNDER.fullmatch(word.content):
                found |= {position, position + 2}
    return found
