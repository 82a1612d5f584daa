"""The process that reads one file: bytes come in, headings and paragraphs go out, or the name of a reason.

Whatever a file does to its reader, it does it here, within limits of memory and processor.
"""

import json
import resource
import sys
from collections.abc import Callable, Iterable
from importlib import import_module

from khronos.knowledge.reading.unreadable import Unfit
from khronos.knowledge.splitting import Block

MEMORY_MAX_BYTES = 768 * 1024 * 1024
CPU_MAX_S = 20
TEXT_MAX = 5_000_000  # characters: some 2,000 pages

READERS = {
    "text": "plain.read_text",
    "markdown": "plain.read_markdown",
    "html": "html.read_html",
    "pdf": "pdf.read_pdf",
    "docx": "docx.read_docx",
}


def main() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_MAX_BYTES),
        (resource.RLIMIT_CPU, CPU_MAX_S),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(what, (most, most))
    try:
        answer: dict[str, object] = {"blocks": found(sys.argv[1], sys.stdin.buffer.read())}
    except Unfit as error:
        answer = {"reason": str(error)}
    except (MemoryError, RecursionError):
        answer = {"reason": "too much"}
    json.dump(answer, sys.stdout)


def found(form: str, raw: bytes) -> list[tuple[str, int]]:
    blocks, length = [], 0
    for block in reader(form)(raw):
        length += len(block.text)
        if length > TEXT_MAX:
            raise Unfit("too much")
        blocks.append((block.text, block.level))
    return blocks


def reader(form: str) -> Callable[[bytes], Iterable[Block]]:
    module, _, name = READERS[form].partition(".")
    made: Callable[[bytes], Iterable[Block]] = getattr(
        import_module(f"khronos.knowledge.reading.{module}"), name
    )
    return made


if __name__ == "__main__":
    main()
