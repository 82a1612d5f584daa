"""The signs of all vectors of a tenant, in the memory of this process: 64 bytes for a chunk.

A hundred thousand chunks are 6 MB, in place of 200 for the vectors themselves. Who is among the nearest by
sign is compared exactly, with the vectors of these rows (docs/knowledge.md has what that costs and misses).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from khronos.guards import caches
from khronos.knowledge.scope import Scope
from khronos.knowledge.vectors import WORD, nearest
from khronos.models import Chunk

if TYPE_CHECKING:
    from khronos.knowledge.embedding.base import Vector


@dataclass(frozen=True, slots=True)
class Codes:
    rows: Any  # the chunks' keys
    codes: Any  # a column for each: what is added up then lies side by side

    def near(self, vector: "Vector", most: int) -> list[int]:
        return [int(self.rows[row]) for row in nearest(self.codes, vector, most)] if len(self.rows) else []


def codes(scope: Scope, model: str) -> Codes:
    """As they were at the last change of this tenant's knowledge."""
    found: Codes = caches.knowledge().get(key(scope, model), lambda: load(scope, model))
    return found


def key(scope: Scope, model: str) -> str:
    return f"{scope.tenant}:{scope.kind}:{model}"


def load(scope: Scope, model: str) -> Codes:
    chunks = Chunk.objects.filter(tenant=scope.tenant, kind=scope.kind, model=model, code__isnull=False)
    pairs = list(chunks.values_list("pk", "code"))
    rows = np.fromiter((pk for pk, _ in pairs), np.int64, len(pairs))
    together = b"".join(bytes(code) for _, code in pairs if code)
    table = np.frombuffer(together, WORD).reshape(len(pairs), -1) if pairs else np.empty((0, 0), WORD)
    return Codes(rows, np.ascontiguousarray(table.T))
