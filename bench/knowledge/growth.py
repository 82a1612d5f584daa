"""`python -m bench.inside bench.knowledge.growth CHUNKS`: a question among so many, on one core."""

import json
import os
import sys
import time
from statistics import median, quantiles
from typing import Any

import numpy as np
import psutil
from django.db import connection

from bench.knowledge.found import place
from bench.knowledge.many import Table, fill
from bench.knowledge.pairs import questions
from khronos.knowledge import index
from khronos.knowledge.embedding.chosen import embedder
from khronos.knowledge.scope import Scope, changed
from khronos.knowledge.search import search
from khronos.knowledge.vectors import together
from khronos.models import Chunk, Tenant
from khronos.resilience.deadlines import within

ROUNDS = 120
BUILT_WITHIN_S = 900.0  # an index of so many; a question of Khronos would be given up
TRUTHS = 60  # questions whose nearest are looked for among all
CODE = "('x' || encode(code, 'hex'))::bit(512)"
MAKE = f"CREATE INDEX IF NOT EXISTS chunk_meaning ON khronos_chunk USING hnsw (({CODE}) bit_hamming_ops)"
DROP = "DROP INDEX IF EXISTS chunk_meaning"


def main() -> None:
    tenant = Tenant.objects.create(slug=f"many-{sys.argv[1]}", name="Many")
    execute(DROP)
    others = fill(tenant, int(sys.argv[1]))
    execute(
        "VACUUM ANALYZE khronos_chunk", "VACUUM ANALYZE khronos_word"
    )  # as it does by itself, a minute later
    os.sched_setaffinity(0, {next(iter(os.sched_getaffinity(0)))})
    search(tenant.pk, "Hello")  # the model
    result = {"without pgvector": measured(tenant, others)}
    if connection.vendor == "postgresql":
        changed(tenant.pk)
        began = time.perf_counter()
        execute("SET statement_timeout = 0", MAKE)
        built_s = time.perf_counter() - began
        result["pgvector"] = measured(tenant, others) | {"built_s": built_s}
    print(json.dumps(result))


def execute(*statements: str) -> None:
    if connection.vendor == "postgresql":
        with within(BUILT_WITHIN_S), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    index.has_pgvector.cache_clear()


def measured(tenant: Tenant, others: Table) -> dict[str, Any]:
    changed(tenant.pk)
    began = time.perf_counter()
    search(tenant.pk, "Hello")
    first_ms = (time.perf_counter() - began) * 1000
    asked = list(questions())[:: len(list(questions())) // ROUNDS]
    whole, meant, places, spent = [], [], [], time.process_time()
    for question in asked:
        began = time.perf_counter()
        embedder().embed([question.text], patience_s=1)
        meant.append((time.perf_counter() - began) * 1000)
        found = search(tenant.pk, question.text, 10)
        whole.append((time.perf_counter() - began) * 1000 - meant[-1])
        places.append(place(question, found, lambda passage: passage.score))
    cpu_ms = (time.process_time() - spent) * 1000 / len(asked)
    real = embedder().embed([question.text for question in asked[:TRUTHS]], patience_s=10)
    return {
        "ms": median(whole),
        "p95_ms": quantiles(whole, n=20)[-1],
        "embedding_ms": median(meant),
        "cpu_ms": cpu_ms,
        "first_ms": first_ms,
        "rss_mb": psutil.Process().memory_info().rss / 1e6,
        "hit@3": float(np.mean([rank <= 3 for rank in places])),
        "nearest is compared": recall(tenant, np.asarray(real, np.float32), 1),
        "ten nearest of a topic": recall(tenant, others, 10),
    }


def recall(tenant: Tenant, vectors: Table, most: int) -> float:
    """Of those that mean most alike, how many are among those that are compared exactly."""
    rows = Chunk.objects.filter(tenant=tenant).values_list("pk", "vector").iterator()
    keys, raws = zip(*rows, strict=True)
    alike = vectors @ together(raws).T
    shares = []
    for vector, cosines in zip(vectors, alike, strict=True):
        best = {keys[row] for row in np.argpartition(-cosines, most)[:most]}
        near = index.index().meaning(Scope(tenant.pk), vector, embedder().name)
        shares.append(len(best & set(near)) / most)
    return float(np.mean(shares))
