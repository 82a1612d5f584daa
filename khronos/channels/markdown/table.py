"""A table as lines of even columns, for a chat that knows none."""

import re
import unicodedata
from collections.abc import Sequence

COLUMN_MAX = 30  # wider columns are not padded: a telephone shows some forty letters a line
DIVIDER = re.compile(r"(?<!\\)\|")


class Table:
    def __init__(self, source: Sequence[str]) -> None:
        self._source = source
        self._rows: list[list[str]] = []

    def row(self) -> None:
        self._rows.append([])

    def cell(self, text: str) -> None:
        self._rows[-1].append(text.replace("\n", " "))

    @property
    def text(self) -> str:
        """The parser drops cells beyond the header's; such a table is shown as it was written."""
        columns = len(self._rows[0])
        if any(len(DIVIDER.split(line.strip().strip("|"))) > columns for line in self._source):
            return "\n".join(self._source)
        widths = [min(COLUMN_MAX, max(map(width, column))) for column in zip(*self._rows, strict=False)]
        lines = [" | ".join(map(padded, row, widths)).rstrip() for row in self._rows]
        lines.insert(1, "-+-".join("-" * each for each in widths))
        return "\n".join(lines)


def width(text: str) -> int:
    """In columns of a fixed-width font; Chinese signs and most emoji take two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def padded(text: str, to: int) -> str:
    return text + " " * (to - width(text))
