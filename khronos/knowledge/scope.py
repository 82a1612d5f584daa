"""Whose knowledge it is, and of which kind: nothing crosses."""

from collections.abc import Iterable
from dataclasses import dataclass

from khronos.guards import caches


@dataclass(frozen=True, slots=True)
class Scope:
    tenant: int
    kind: str = "knowledge"

    @property
    def mark(self) -> str:
        """Begins each word of a chunk, so that the index holds every tenant's own list of it."""
        return f"{self.tenant}{self.kind[0]}"

    def marked(self, words: Iterable[str]) -> str:
        return " ".join(f"{self.mark}{word}" for word in words)

    def bare(self, marked: str) -> list[str]:
        return [word.removeprefix(self.mark) for word in marked.split()]


def changed(tenant: int) -> None:
    """Every process reads the codes anew."""
    caches.knowledge().invalidate(f"{tenant}:*")
    caches.documented().invalidate(str(tenant))
