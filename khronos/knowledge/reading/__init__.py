"""From bytes to headings and paragraphs, whatever the format."""

from collections.abc import Callable, Iterable

from khronos.knowledge.reading import plain
from khronos.knowledge.splitting import Block

READERS: dict[str, Callable[[bytes], Iterable[Block]]] = {
    "text": plain.read_text,
    "markdown": plain.read_markdown,
}


def read(form: str, raw: bytes) -> Iterable[Block]:
    """Raises Permanent for what cannot be read."""
    return READERS[form](raw)
