"""Word's documents: a zip with XML in it, of which no more is unpacked than a text can be long."""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import IO
from xml.etree import ElementTree
from zlib import error as ZlibError

from khronos.knowledge.reading.unreadable import Unfit
from khronos.knowledge.splitting import Block

MAIN = "word/document.xml"
UNPACKED_MAX = 32 * 1024 * 1024  # bytes
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
BROKEN = (zipfile.BadZipFile, KeyError, ElementTree.ParseError, ZlibError, NotImplementedError, EOFError)
HEADING = re.compile(r"(?:heading|t[ií]?tulo)\s*([1-6])$", re.IGNORECASE)  # Word drops accents from names


def read_docx(raw: bytes) -> Iterator[Block]:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            # zipfile never unpacks more than is said there
            if archive.getinfo(MAIN).file_size > UNPACKED_MAX:
                raise Unfit("bomb")
            with archive.open(MAIN) as source:
                yield from blocks_in(source)
    except RuntimeError as error:  # so zipfile says that a password is missing
        raise Unfit("encrypted") from error
    except BROKEN as error:
        raise Unfit("encrypted" if raw.startswith(b"\xd0\xcf\x11\xe0") else "damaged") from error


def blocks_in(source: IO[bytes]) -> Iterator[Block]:
    for _event, element in ElementTree.iterparse(source, ("end",)):  # noqa: S314 (bounded)
        if element.tag == f"{W}p":
            if text := " ".join(text_of(element).split()):
                yield Block(text, level_of(element))
            element.clear()


def text_of(paragraph: ElementTree.Element) -> str:
    gaps = {f"{W}tab", f"{W}br", f"{W}cr"}
    return "".join(
        (each.text or "") if each.tag == f"{W}t" else " " if each.tag in gaps else ""
        for each in paragraph.iter()
    )


def level_of(paragraph: ElementTree.Element) -> int:
    style = paragraph.find(f"{W}pPr/{W}pStyle")
    found = HEADING.match(style.get(f"{W}val", "")) if style is not None else None
    return int(found[1]) if found else 0
