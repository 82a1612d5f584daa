"""The two indexes of a database behind one interface: which chunks have these words, which mean alike.

SQLite     FTS5, and the signs of the vectors in memory
PostgreSQL tsvector, and pgvector; where that extension is not installed, the signs too
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from django.db import connection

from khronos.knowledge.codes import codes
from khronos.knowledge.scope import Scope

if TYPE_CHECKING:
    from khronos.knowledge.embedding.base import Vector

MATCHING = "SELECT id FROM khronos_chunk WHERE found @@ %s::tsquery"
TERMS_MAX = 24  # of one question: the rarest


class Index(Protocol):
    def words(self, scope: Scope, terms: Mapping[str, float], most: int) -> list[int]:
        """Chunks that hold some of these words, which weigh so much, the best first."""

    def meaning(self, scope: Scope, vector: "Vector", model: str, most: int) -> list[int]:
        """Chunks whose vectors are near this one."""


class SqliteIndex:
    def words(self, scope: Scope, terms: Mapping[str, float], most: int) -> list[int]:
        if not terms:
            return []
        wanted = " OR ".join(f'"{term}"' for term in rarest(terms))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT rowid FROM khronos_chunk_words WHERE khronos_chunk_words MATCH %s"
                " ORDER BY rank LIMIT %s",
                [f'"{scope.word}" AND ({wanted})', most],
            )
            return [row[0] for row in cursor.fetchall()]

    def meaning(self, scope: Scope, vector: "Vector", model: str, most: int) -> list[int]:
        return codes(scope, model).near(vector, most)


class PostgresIndex:
    def words(self, scope: Scope, terms: Mapping[str, float], most: int) -> list[int]:
        """Its own rank knows nothing of rare words, so the sum of the weights is it."""
        if not terms:
            return []
        some = rarest(terms)
        weighed = " + ".join("(found @@ %s::tsquery)::int * %s" for _ in some)
        weights = [value for term in some for value in (f"'{term}'", terms[term])]
        with connection.cursor() as cursor:
            cursor.execute(
                f"{MATCHING} ORDER BY {weighed} DESC, id LIMIT %s",
                [f"'{scope.word}' & ({' | '.join(f"'{term}'" for term in some)})", *weights, most],
            )
            return [row[0] for row in cursor.fetchall()]

    def meaning(self, scope: Scope, vector: "Vector", model: str, most: int) -> list[int]:
        return codes(scope, model).near(vector, most)


def rarest(terms: Mapping[str, float]) -> list[str]:
    return sorted(terms, key=lambda term: -terms[term])[:TERMS_MAX]


def index() -> Index:
    return SqliteIndex() if connection.vendor == "sqlite" else PostgresIndex()
