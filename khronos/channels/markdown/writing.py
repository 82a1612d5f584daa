"""From the parser's tokens to text: paragraphs, lists, quotes and tables laid out as a chat shows them."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from khronos.channels.markdown.inline import written_inline
from khronos.channels.markdown.pens import Pen, PlainPen
from khronos.channels.markdown.table import Table

if TYPE_CHECKING:
    from markdown_it.token import Token

BULLET = "• "
RULE = "———"
INDENT = "  "
BOX = re.compile(r"\[([ xX])\] ")


class Writing:
    """One text on its way through a pen."""

    def __init__(self, pen: Pen, source: str) -> None:
        self._pen = pen
        self._lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._out: list[str] = []
        self._before: list[str] = []  # what the next piece begins with: a bullet, a quote's tag
        self._numbers: list[int | None] = []  # of each open list: its next number, None for bullets
        self._quotes = 0
        self._is_heading = False
        self._table: Table | None = None
        self._start = 0  # line of the block that is being written

    @property
    def text(self) -> str:
        return "".join(self._out)

    def write(self, tokens: Sequence["Token"]) -> None:
        for token in tokens:
            if token.map:
                self._start = token.map[0]
            if take := TAKERS.get(token.type):
                take(self, token)

    def inline(self, token: "Token") -> None:
        children = token.children or []
        if self._table:
            self._table.cell(written_inline(children, PlainPen()))
            return
        text = written_inline(children, self._pen, INDENT * len(self._numbers), is_bold=self._is_heading)
        if self._is_heading and text:
            text = self._pen.open("b") + text + self._pen.close("b")
        elif self._before and (box := BOX.match(text)):  # a box to tick takes the bullet's place
            self._before[-1] = self._before[-1].removesuffix(BULLET)
            text = ("☐ " if box[1] == " " else "☑ ") + text[box.end() :]
        self.put(text)

    def put(self, text: str) -> None:
        """One block, as far below the one before as it was written."""
        if self._out:
            above = self._lines[self._start - 1] if self._start else ""
            self._out.append("\n" if above.strip(" \t>") else "\n\n")
        if self._numbers and not self._before:
            self._out.append(INDENT * len(self._numbers))
        self._out += [*self._before, text]
        self._before.clear()

    def heading(self, token: "Token") -> None:
        self._is_heading = token.nesting > 0

    def fence(self, token: "Token") -> None:
        if token.content.strip():
            self.put(self._pen.block(token.content.rstrip("\n"), token.info.strip()))

    def rule(self, token: "Token") -> None:
        self.put(RULE)

    def list(self, token: "Token") -> None:
        if token.nesting < 0:
            self._numbers.pop()
        else:
            is_numbered = token.type == "ordered_list_open"
            self._numbers.append(int(token.attrs.get("start", 1)) if is_numbered else None)

    def item(self, token: "Token") -> None:
        if token.nesting > 0:
            self._before.append(self.marker(token.markup))
        elif self._before:  # an item without words still shows its bullet
            self.put("")

    def marker(self, sign: str) -> str:
        number, indent = self._numbers[-1], INDENT * (len(self._numbers) - 1)
        if number is None:
            return indent + BULLET
        self._numbers[-1] = number + 1
        return f"{indent}{number}{sign} "

    def quote(self, token: "Token") -> None:
        """Telegram knows no quote within a quote."""
        self._quotes += token.nesting
        if token.nesting > 0 and self._quotes == 1:
            self._before.append(self._pen.open("blockquote"))
        elif token.nesting < 0 and self._quotes == 0:
            if self._before:
                self.put("")
            self._out.append(self._pen.close("blockquote"))

    def table(self, token: "Token") -> None:
        if token.nesting > 0:
            start, end = token.map or (0, 0)
            self._table = Table(self._lines[start:end])
        elif self._table:
            text, self._table = self._table.text, None
            self.put(self._pen.block(text, ""))

    def row(self, token: "Token") -> None:
        if self._table:
            self._table.row()


TAKERS: dict[str, Callable[[Writing, "Token"], None]] = {
    "inline": Writing.inline,
    "heading_open": Writing.heading,
    "heading_close": Writing.heading,
    "fence": Writing.fence,
    "hr": Writing.rule,
    "bullet_list_open": Writing.list,
    "bullet_list_close": Writing.list,
    "ordered_list_open": Writing.list,
    "ordered_list_close": Writing.list,
    "list_item_open": Writing.item,
    "list_item_close": Writing.item,
    "blockquote_open": Writing.quote,
    "blockquote_close": Writing.quote,
    "table_open": Writing.table,
    "tr_open": Writing.row,
    "table_close": Writing.table,
}
