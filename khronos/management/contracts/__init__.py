"""What was laid beside Khronos, held against what it promises (docs/extending.md)."""

from collections.abc import Callable, Iterator

from django.conf import settings

from khronos.launch import beside
from khronos.management.contracts import channel, provider
from khronos.management.contracts.lookalike import LookAlike

CONTRACTS: dict[str, Callable[[str, LookAlike], Iterator[str]]] = {
    "channels": channel.broken,
    "providers": provider.broken,
}


def kept() -> Iterator[tuple[str, list[str]]]:
    """Each file's sort and name, and what of its promises it breaks. Raises Misconfigured."""
    beside.loaded()
    for sort, found in settings.EXTENSIONS.items():
        for name in found:
            with LookAlike() as service:
                yield f"{sort} {name}", list(CONTRACTS[sort](name, service)) if sort in CONTRACTS else []
