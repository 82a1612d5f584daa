"""A text being read from left to right, and what has been made of it so far."""

import re


class MarkupError(Exception):
    """Why a text cannot be parsed."""


class Scan:
    """Positions count characters; messages speak of bytes in UTF-8, as the real server's do."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.plain: list[str] = []

    @property
    def more(self) -> bool:
        return self.at < len(self.text)

    def sees(self, part: str) -> bool:
        return self.text.startswith(part, self.at)

    def take(self, count: int = 1) -> str:
        taken = self.text[self.at : self.at + count]
        self.at += count
        return taken

    def keep(self, count: int = 1) -> None:
        """Take characters that will be seen."""
        self.plain.append(self.take(count))

    def keep_run(self, ordinary: re.Pattern[str]) -> bool:
        """Keep a run of characters that mean nothing; False when there is none."""
        match = ordinary.match(self.text, self.at)
        if match is None:
            return False
        self.plain.append(match.group())
        self.at = match.end()
        return True

    def take_until(self, ends: str) -> str:
        """Take all before the first of these characters, or the whole rest."""
        start = self.at
        while self.more and self.text[self.at] not in ends:
            self.at += 1
        return self.text[start : self.at]

    def skip_language(self) -> None:
        """A word right after the three marks of a block is its language, if the line ends with it."""
        start = self.at
        self.take_until(" \t\n`")
        if self.sees("\n"):
            self.take()
        else:
            self.at = start

    def byte(self, position: int | None = None) -> int:
        """The byte offset of a position, by default the present one."""
        return len(self.text[: self.at if position is None else position].encode("utf-8", "surrogatepass"))

    def result(self) -> str:
        return "".join(self.plain)
