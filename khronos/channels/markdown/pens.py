"""How marks are put on paper: as Telegram's HTML tags, or not at all."""

import re
from typing import Protocol
from urllib.parse import urlsplit

LINKABLE = {"http", "https", "mailto", "tel", "tg"}
LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,30}")
TAG = re.compile(r"<[^>]*>")
ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


class Pen(Protocol):
    def escape(self, text: str) -> str: ...

    def open(self, tag: str) -> str: ...

    def close(self, tag: str) -> str: ...

    def code(self, text: str) -> str: ...

    def block(self, text: str, info: str) -> str:
        """A block of code or a table."""

    def link(self, label: str, address: str) -> str:
        """A link; the label is written already."""

    def is_blank(self, written: str) -> bool:
        """Whether it would show nothing, which no channel takes."""


class HtmlPen:
    def escape(self, text: str) -> str:
        return text.translate(ESCAPES)

    def open(self, tag: str) -> str:
        return f"<{tag}>"

    def close(self, tag: str) -> str:
        return f"</{tag}>"

    def code(self, text: str) -> str:
        return f"<code>{self.escape(text)}</code>"

    def block(self, text: str, info: str) -> str:
        language = LANGUAGE.match(info)
        if not language:
            return f"<pre>{self.escape(text)}</pre>"
        return f'<pre><code class="language-{language[0]}">{self.escape(text)}</code></pre>'

    def link(self, label: str, address: str) -> str:
        if not label.strip():
            return self.escape(address)
        if not is_linkable(address):
            return f"{label} ({self.escape(address)})"
        return f'<a href="{self.escape(address)}">{label}</a>'

    def is_blank(self, written: str) -> bool:
        return not TAG.sub("", written).strip()


class PlainPen:
    def escape(self, text: str) -> str:
        return text

    def open(self, tag: str) -> str:
        return ""

    def close(self, tag: str) -> str:
        return ""

    def code(self, text: str) -> str:
        return text

    def block(self, text: str, info: str) -> str:
        return text

    def link(self, label: str, address: str) -> str:
        return f"{label} ({address})" if label.strip() not in ("", address) else address

    def is_blank(self, written: str) -> bool:
        return not written.strip()


def is_linkable(address: str) -> bool:
    try:
        return urlsplit(address).scheme in LINKABLE
    except ValueError:
        return False
