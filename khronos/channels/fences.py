"""Where the blocks of code of a Markdown text begin and end."""

import re
from dataclasses import dataclass

# A block of code may stand in a list or in a quote.
FENCE = re.compile(
    r"^(?P<before>(?:[ \t>]|[-+*][ \t]|\d{1,9}[.)][ \t])*)(?P<mark>`{3,}|~{3,})(?P<info>[^\n]*)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Fence:
    start: int
    body: int  # where the code begins
    end: int
    mark: str
    opening: str  # the first line
    is_closed: bool

    def beginning(self, text: str) -> tuple[int, int]:
        """From the first line to the first sign of code: a cut in between would leave an empty block."""
        blank = len(text) - self.body - len(text[self.body :].lstrip())
        return self.start, self.body + blank + 1

    def ending(self, rest: str) -> str:
        """The line that closes this block, when nothing else comes before it."""
        blank = len(rest) - len(rest.lstrip())
        line = FENCE.match(rest, rest.rfind("\n", 0, blank) + 1)
        return rest[: line.end()] if line and closes(line, self.mark) else ""


def fences(text: str) -> list[Fence]:
    found: list[Fence] = []
    opened: re.Match[str] | None = None
    for line in FENCE.finditer(text):
        if opened is None:
            # Backticks behind an opening of backticks are a line of code: ```like this```
            if line["mark"][0] == "~" or "`" not in line["info"]:
                opened = line
        elif closes(line, opened["mark"]):
            found.append(made(opened, line.end(), is_closed=True))
            opened = None
    if opened is not None:
        found.append(made(opened, len(text), is_closed=False))
    return found


def closes(line: re.Match[str], mark: str) -> bool:
    return line["mark"].startswith(mark) and not (line["info"].strip() or line["before"].strip(" \t>"))


def made(opened: re.Match[str], end: int, *, is_closed: bool) -> Fence:
    return Fence(
        opened.start(), opened.end(), end, opened["mark"], opened["mark"] + opened["info"].rstrip(), is_closed
    )
