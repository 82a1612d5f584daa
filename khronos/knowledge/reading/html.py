"""HTML: what a visitor reads. Scripts, styles and whatever is not shown stay outside."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from khronos.knowledge.reading.plain import decoded
from khronos.knowledge.splitting import Block

CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w-]+)", re.IGNORECASE)
UNSEEN = {"script", "style", "noscript", "template", "svg", "head", "iframe", "object", "nav", "select"}
EMPTY = {"br", "hr", "img", "input", "meta", "link", "col", "wbr", "source", "area", "base", "embed"}
INLINE = {
    "a",
    "b",
    "i",
    "em",
    "strong",
    "span",
    "small",
    "u",
    "code",
    "sub",
    "sup",
    "mark",
    "abbr",
    "font",
    "q",
}
HEADINGS = {f"h{level}": level for level in range(1, 7)}
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[Block] = []
        self._words: list[str] = []
        self._level = 0
        self._unseen: list[str] = []  # open elements, from the first that is not shown

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in EMPTY:
            self._words.append("\n" if tag == "br" else " ")
        elif self._unseen or tag in UNSEEN or is_hidden(dict(attributes)):
            self._unseen.append(tag)
        elif tag not in INLINE:
            self.end()
            self._level = HEADINGS.get(tag, 0)

    def handle_endtag(self, tag: str) -> None:
        if self._unseen:
            if tag in self._unseen:
                while self._unseen.pop() != tag:
                    pass
        elif tag not in INLINE and tag not in EMPTY:
            self.end()

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._words.append(data)

    def end(self) -> None:
        text = " ".join("".join(self._words).split())
        if text:
            self.blocks.append(Block(text, self._level))
        self._words.clear()
        self._level = 0


def is_hidden(attributes: dict[str, str | None]) -> bool:
    return "hidden" in attributes or bool(HIDDEN.search(attributes.get("style") or ""))


def read_html(raw: bytes) -> Iterator[Block]:
    reader = Reader()
    reader.feed(text_of(raw))
    reader.close()
    reader.end()
    return iter(reader.blocks)


def text_of(raw: bytes) -> str:
    """By what the page says of itself, where Python knows that."""
    if said := CHARSET.search(raw[:2048]):
        try:
            return raw.decode(said[1].decode())
        except (LookupError, UnicodeDecodeError):
            pass  # pages say much
    return decoded(raw)
