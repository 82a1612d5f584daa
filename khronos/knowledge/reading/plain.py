"""Text, and Markdown by its headings; the marks inside a paragraph are left as they are."""

import re
from collections.abc import Iterator

from khronos.knowledge.reading.unreadable import Unfit
from khronos.knowledge.splitting import Block

HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*")
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f�]")
STRANGE_MAX = 0.01  # of all signs: more of them are no text in any encoding


def decoded(raw: bytes) -> str:
    """UTF-8, UTF-16 with its mark, else what Windows writes."""
    text = as_written(raw)
    if len(CONTROL.findall(text)) > STRANGE_MAX * len(text):
        raise Unfit("no text")
    return CONTROL.sub("", text)


def as_written(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def read_text(raw: bytes) -> Iterator[Block]:
    return paragraphs(decoded(raw))


def paragraphs(text: str) -> Iterator[Block]:
    for paragraph in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        if paragraph.strip():
            yield Block(paragraph.strip())


def read_markdown(raw: bytes) -> Iterator[Block]:
    """A line with # is a heading, but not between fences of code."""
    held: list[str] = []
    in_code = False
    for line in decoded(raw).splitlines():
        in_code ^= line.lstrip().startswith(("```", "~~~"))
        heading = None if in_code else HEADING.fullmatch(line)
        if heading or (not line.strip() and not in_code):
            if held:
                yield Block("\n".join(held))
            held = []
            if heading and heading[2]:
                yield Block(heading[2], len(heading[1]))
        else:
            held.append(line)
    if held:
        yield Block("\n".join(held))
