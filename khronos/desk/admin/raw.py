"""Bytes from outside, shown to people: whatever they are, the page holds."""

import json

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from khronos.desk.admin.columns import TEXT_MAX, badge, block

HEX_MAX = 4096  # bytes of a dump
PARSE_MAX = 256 * 1024  # bytes; indenting more than that keeps a reader waiting


def show(raw: bytes) -> SafeString:
    kind, text = read(raw)
    size = _("%(n)s bytes") % {"n": len(raw)}
    return format_html("{} {}{}", badge(kind), badge(size), block(text))


def read(raw: bytes) -> tuple[str, str]:
    """Indented where it is JSON, else as text, else as a dump."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return _("not text"), dump(raw[:HEX_MAX])
    if len(raw) <= PARSE_MAX:
        try:
            return "JSON", json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            pass  # half a document, numbers of 5,000 digits, a thousand brackets
    return _("text"), text.replace("\0", "\\0") if len(text) <= TEXT_MAX else text


def dump(raw: bytes) -> str:
    rows = (raw[start : start + 16] for start in range(0, len(raw), 16))
    return "\n".join(
        f"{number * 16:06x}  {row.hex(' '):<47}  {''.join(map(printable, row))}"
        for number, row in enumerate(rows)
    )


def printable(byte: int) -> str:
    return chr(byte) if 32 <= byte < 127 else "."
