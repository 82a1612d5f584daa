"""The two indexes of a database: words, and what is near by meaning, with and without pgvector."""

from collections.abc import Iterator
from importlib import import_module

import numpy as np
import pytest
from django.db import connection

from khronos.knowledge import index
from khronos.knowledge.scope import Scope, changed
from khronos.knowledge.vectors import packed, signs
from khronos.models import Chunk, Document, Tenant
from settings.dotenv import ROOT
from tests.factories import make_tenant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]
CHANCE = np.random.default_rng(7)


def made(
    tenant: Tenant, count: int, kind: str = "knowledge", model: str = "m", length: int = 512
) -> list[int]:
    """Chunks that mean something each; the first of them is the nearest to the first vector asked for."""
    document = Document.objects.create(
        tenant=tenant, kind=kind, source=f"{kind}{model}", title="Made", due_at=None
    )
    vectors = CHANCE.standard_normal((count, length), np.float32)
    rows = [
        Chunk(
            document=document, tenant=tenant, kind=kind, position=position, text="x", digest=f"{position}",
            words=Scope(tenant.pk, kind).marked(["boot", f"own{position}"]),
            vector=packed(vector), code=signs(vector).tobytes(), model=model,
        )
        for position, vector in enumerate(vectors)
    ]  # fmt: skip
    changed(tenant.pk)
    return [row.pk for row in Chunk.objects.bulk_create(rows)]


def vector_of(pk: int) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    raw = Chunk.objects.get(pk=pk).vector
    return np.frombuffer(bytes(raw or b""), np.float16).astype(np.float32)


@pytest.fixture(params=["few", "many", "many without pgvector"])
def found(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[index.Index]:
    """Each way to look for a meaning; where a scope has many begins at fewer."""
    if connection.vendor == "sqlite" and request.param != "few":
        pytest.skip("there is one way")
    if request.param != "few":
        monkeypatch.setattr(index, "EXACT_MAX", 10)
    if request.param == "many without pgvector":
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX chunk_meaning")
    index.has_pgvector.cache_clear()
    assert request.param != "many" or index.has_pgvector()
    yield index.index()
    index.has_pgvector.cache_clear()


def test_what_means_alike_is_found_in_its_own_scope_alone(found: index.Index) -> None:
    tenant, other = make_tenant(), make_tenant()
    ours = made(tenant, 300)
    made(other, 300)
    made(tenant, 20, kind="catalog")
    made(tenant, 20, model="older")
    for pk in ours[:5]:
        near = found.meaning(Scope(tenant.pk), vector_of(pk), "m")
        assert pk in near
        assert len(near) >= 150
        assert set(near) <= set(ours)
    assert found.meaning(Scope(tenant.pk), vector_of(ours[0]), "newer") == []


@pytest.mark.parametrize("length", [64, 1536])
def test_vectors_of_any_length_are_found(found: index.Index, length: int) -> None:
    tenant = make_tenant()
    made(tenant, 40, model="other")
    ours = made(tenant, 300, model="m", length=length)
    near = found.meaning(Scope(tenant.pk), vector_of(ours[7]), "m")
    assert ours[7] in near
    assert set(near) <= set(ours)


def test_rare_words_go_before_frequent_ones_and_nobody_elses_are_found(found: index.Index) -> None:
    tenant, other = make_tenant(), make_tenant()
    ours = made(tenant, 30)
    made(other, 30)
    catalogue = made(tenant, 5, kind="catalog")
    scope = Scope(tenant.pk)
    assert found.words(scope, {"boot": 0.2, "own7": 1.4}, 40)[0] == ours[7]
    assert set(found.words(scope, {"boot": 0.2}, 40)) == set(ours)
    assert len(found.words(scope, {"boot": 0.2}, 10)) == 10
    assert found.words(scope, {"own99": 1.4}, 40) == []
    assert found.words(scope, {}, 40) == []
    assert set(found.words(Scope(tenant.pk, "catalog"), {"boot": 0.2}, 40)) == set(catalogue)


def test_the_index_serves_the_statement_that_is_meant_for_it() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("it has none")
    tenant = make_tenant()
    made(tenant, 100)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")  # of so few
        for statement, uses in ((index.NEAREST, True), (index.EXACT, False)):
            cursor.execute(f"EXPLAIN {statement}", [tenant.pk, "knowledge", "m", "00" * 64, 150])
            assert ("chunk_meaning" in str(cursor.fetchall())) is uses


def test_the_index_that_the_docs_give_is_the_one_of_the_migration() -> None:
    made_first: str = import_module("khronos.migrations.0021_pgvector").INDEX
    by_hand = made_first.replace("CREATE INDEX", "CREATE INDEX CONCURRENTLY")
    assert f"      {by_hand};\n" in (ROOT / "docs" / "knowledge.md").read_text("utf-8")
