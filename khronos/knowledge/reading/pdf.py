"""PDF: the text of its pages. What was scanned has none."""

import io
import logging
import re
from collections.abc import Iterator

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from khronos.knowledge.reading.plain import CONTROL
from khronos.knowledge.reading.unreadable import Unfit
from khronos.knowledge.splitting import Block

PAGES_MAX = 5000
HYPHEN = re.compile(r"(\w)-\n(\w)")
SENTENCE_ENDS = re.compile(r"(?<=[.!?:])\n")

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # of every small oddity


def read_pdf(raw: bytes) -> Iterator[Block]:
    try:
        reader = PdfReader(io.BytesIO(raw))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unfit("encrypted")
        if len(reader.pages) > PAGES_MAX:
            raise Unfit("too much")
        for number, page in enumerate(reader.pages, 1):
            yield from of_page(number, page.extract_text())
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise Unfit("damaged") from error  # pypdf meets broken files with whatever error comes first


def of_page(number: int, text: str) -> Iterator[Block]:
    """Its lines end where the paper did."""
    parts = [
        " ".join(part.split()) for part in SENTENCE_ENDS.split(HYPHEN.sub(r"\1\2", CONTROL.sub("", text)))
    ]
    shown = [part for part in parts if part]
    if shown:
        yield Block(f"p. {number}", 1)
        yield from map(Block, shown)
