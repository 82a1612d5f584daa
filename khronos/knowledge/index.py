"""The two indexes of a database behind one interface: which chunks have these words, which mean alike.

SQLite      FTS5, and the signs of the vectors in memory
PostgreSQL  tsvector; signs compared by the database, where they are many in an index of pgvector,
            or, where that is not installed, in memory
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Protocol

from django.db import connection

from khronos.guards import caches
from khronos.knowledge.codes import codes, key
from khronos.knowledge.scope import Scope
from khronos.knowledge.vectors import signs
from khronos.models import Chunk

if TYPE_CHECKING:
    from khronos.knowledge.embedding.base import Vector

HOLDING = "SELECT rowid AS id, %s AS weight FROM khronos_chunk_words WHERE khronos_chunk_words MATCH %s"
MATCHING = "SELECT id FROM khronos_chunk WHERE found @@ %s::tsquery"
OF_SCOPE = (
    "SELECT id FROM khronos_chunk WHERE tenant_id = %s AND kind = %s AND model = %s AND code IS NOT NULL"
)
SIGNS = "('x' || encode(code, 'hex'))::bit(512)"
ASKED = "('x' || %s)::bit(512)"
EXACT = f"{OF_SCOPE} ORDER BY bit_count({SIGNS} # {ASKED}) LIMIT %s"
NEAREST = f"{OF_SCOPE} ORDER BY {SIGNS} <~> {ASKED} LIMIT %s"
# Chunks: 1 to 3 µs each. An index of pgvector may not reach what resembles nothing else in it.
EXACT_MAX = 5_000
COARSE, COARSE_SHARE, COARSE_MAX = 150, 200, 500  # are compared exactly: so many, one in so many, at most
TERMS_MAX = 24  # of one question: the rarest


class Index(Protocol):
    def words(self, scope: Scope, terms: Mapping[str, float], most: int) -> list[int]:
        """Chunks that hold some of these words, which weigh so much, the best first.

        All that hold a single word are alike, however many there are.
        """

    def meaning(self, scope: Scope, vector: "Vector", model: str) -> list[int]:
        """Chunks whose vectors may be near this one: enough of them that the nearest are there."""


class SqliteIndex:
    def words(self, scope: Scope, terms: Mapping[str, float], most: int) -> list[int]:
        if not terms:
            return []
        some = rarest(terms)
        held = " UNION ALL ".join(HOLDING for _ in some)
        values = [value for term in some for value in (terms[term], f'"{scope.mark}{term}"')]
        order = "GROUP BY id ORDER BY sum(weight) DESC, id" if len(some) > 1 else ""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id FROM ({held}) {order} LIMIT %s",  # noqa: S608
                [*values, most],
            )
            return [row[0] for row in cursor.fetchall()]

    def meaning(self, scope: Scope, vector: "Vector", model: str) -> list[int]:
        return in_memory(scope, vector, model)


class PostgresIndex:
    def words(self, scope: Scope, terms: Mapping[str, float], most: int) -> list[int]:
        if not terms:
            return []
        some = rarest(terms)
        marked = {term: f"'{scope.mark}{term}'" for term in some}
        order, weights = "", list[float | str]()
        if len(some) > 1:
            weighed = " + ".join("(found @@ %s::tsquery)::int * %s" for _ in some)
            order = f"ORDER BY {weighed} DESC, id"
            weights = [value for term in some for value in (marked[term], terms[term])]
        with connection.cursor() as cursor:
            cursor.execute(
                f"{MATCHING} {order} LIMIT %s",
                [" | ".join(marked.values()), *weights, most],
            )
            return [row[0] for row in cursor.fetchall()]

    def meaning(self, scope: Scope, vector: "Vector", model: str) -> list[int]:
        """No process keeps anything, nor reads it anew after a change."""
        is_large = has_many(scope, model)
        if is_large and not has_pgvector():
            return in_memory(scope, vector, model)
        asked = (scope.tenant, scope.kind, model, signs(vector).tobytes().hex())
        with connection.cursor() as cursor:
            cursor.execute(NEAREST if is_large else EXACT, (*asked, COARSE_MAX if is_large else COARSE))
            return [row[0] for row in cursor.fetchall()]


def in_memory(scope: Scope, vector: "Vector", model: str) -> list[int]:
    kept = codes(scope, model)
    return kept.near(vector, min(max(COARSE, len(kept.rows) // COARSE_SHARE), COARSE_MAX))


def has_many(scope: Scope, model: str) -> bool:
    """As of its last change, as far as this process has heard of it."""
    rows = Chunk.objects.filter(tenant=scope.tenant, kind=scope.kind, model=model, code__isnull=False)
    known: bool = caches.knowledge().get(
        f"{key(scope, model)}:many", rows.order_by()[EXACT_MAX : EXACT_MAX + 1].exists
    )
    return known


def rarest(terms: Mapping[str, float]) -> list[str]:
    return sorted(terms, key=lambda term: -terms[term])[:TERMS_MAX]


def index() -> Index:
    return SqliteIndex() if connection.vendor == "sqlite" else PostgresIndex()


@cache
def has_pgvector() -> bool:
    """A migration made the index, if it could."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('chunk_meaning') IS NOT NULL")
        return bool(cursor.fetchone()[0])
