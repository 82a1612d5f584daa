"""`python -m bench.inside bench.knowledge.growth CHUNKS`: a question among so many, on one core."""

import json
import os
import sys
import time
from statistics import median, quantiles

import numpy as np
import psutil

from bench.knowledge.pairs import documents, questions
from khronos.knowledge import counting
from khronos.knowledge.codes import codes
from khronos.knowledge.embedding.chosen import embedder
from khronos.knowledge.reading.guarded import read
from khronos.knowledge.scope import Scope, changed
from khronos.knowledge.search import search
from khronos.knowledge.splitting import split
from khronos.knowledge.vectors import packed, signs
from khronos.knowledge.work import chunk_of
from khronos.models import Chunk, Document, Tenant

ROUNDS = 60
NOISE = 0.04  # a coordinate of a vector of 512 is about 0.044
TOGETHER = 5000


def main() -> None:
    count = int(sys.argv[1])
    process = psutil.Process()
    os.sched_setaffinity(0, {next(iter(os.sched_getaffinity(0)))})
    tenant = Tenant.objects.create(slug=f"of-{count}", name="Many")
    fill(tenant, count)
    asked = [question.text for question in questions()][:ROUNDS]
    search(tenant.pk, asked[0])  # the model, the codes
    changed(tenant.pk)
    before = time.perf_counter()
    codes(Scope(tenant.pk), embedder().name)
    load_ms = (time.perf_counter() - before) * 1000
    whole, meant, spent = [], [], time.process_time()
    for text in asked:
        began = time.perf_counter()
        embedder().embed([text], patience_s=1)
        meant.append((time.perf_counter() - began) * 1000)
        search(tenant.pk, text)
        whole.append((time.perf_counter() - began) * 1000 - meant[-1])
    result = {
        "ms": median(whole),
        "p95_ms": quantiles(whole, n=20)[-1],
        "embedding_ms": median(meant),
        "cpu_ms": (time.process_time() - spent) * 1000 / len(asked),
        "load_ms": load_ms,
        "rss_mb": process.memory_info().rss / 1e6,
        "recall@10": recall(tenant, asked),
    }
    print(json.dumps(result))


def fill(tenant: Tenant, count: int) -> None:
    """The passages again and again, each time a little beside what they mean, with a word of its own."""
    document = Document.objects.create(tenant=tenant, source="many", title="Many", due_at=None, state="ready")
    pieces = [piece for text in documents().values() for piece in split(read("markdown", text.encode()))]
    meant = embedder().embed([f"{piece.heading}. {piece.text}" for piece in pieces], patience_s=60)
    chance = np.random.default_rng(7)
    for start in range(0, count, TOGETHER):
        size = min(TOGETHER, count - start)
        vectors = meant[np.arange(start, start + size) % len(pieces)] + chance.normal(
            0, NOISE, (size, meant.shape[1])
        )
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        rows = []
        for number, (vector, code) in enumerate(
            zip(vectors, signs(vectors.astype(np.float32)), strict=True), start
        ):
            row = chunk_of(document, number, f"{number}", pieces[number % len(pieces)])
            row.words += f" own{number}"
            row.vector, row.code, row.model = packed(vector), code.tobytes(), embedder().name
            rows.append(row)
        Chunk.objects.bulk_create(rows)
        counting.change(tenant.pk, (), (row.words for row in rows))


def recall(tenant: Tenant, asked: list[str]) -> float:
    """Of the ten that mean most alike, how many the search by signs finds."""
    rows = list(Chunk.objects.filter(tenant=tenant).values_list("pk", "vector"))
    keys = np.array([pk for pk, _ in rows])
    table = np.frombuffer(b"".join(bytes(vector) for _, vector in rows if vector), np.float16).reshape(
        len(rows), -1
    )
    kept = codes(Scope(tenant.pk), embedder().name)
    shares = []
    for vector in embedder().embed(asked[:20], patience_s=10):
        cosines = table.astype(np.float32) @ vector
        best = {int(key) for key in keys[np.argsort(-cosines)[:10]]}
        shares.append(len(best & set(kept.near(vector, 200))) / 10)
    return float(np.mean(shares))
