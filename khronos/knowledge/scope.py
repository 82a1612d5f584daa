"""Whose knowledge it is, and of which kind: nothing crosses."""

from dataclasses import dataclass

from khronos.guards import caches


@dataclass(frozen=True, slots=True)
class Scope:
    tenant: int
    kind: str = "knowledge"

    @property
    def word(self) -> str:
        """Stands in front of the words of each chunk, so that the index itself knows whose they are."""
        return f"t{self.tenant}{self.kind}"


def changed(tenant: int) -> None:
    """Every process reads the codes anew."""
    caches.knowledge().invalidate(f"{tenant}:*")
    caches.documented().invalidate(str(tenant))
