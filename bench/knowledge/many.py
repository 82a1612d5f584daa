"""Any number of passages that nobody wrote: topics as far apart as real ones, and passages around each.

The real ones stand among them once, so that a question's right passage has that many to hide behind.
"""

from collections.abc import Iterator, Sequence
from itertools import batched

import numpy as np

from bench.knowledge.pairs import documents, lines, questions
from khronos.knowledge import counting
from khronos.knowledge.embedding.chosen import embedder
from khronos.knowledge.reading.guarded import read
from khronos.knowledge.scope import Scope
from khronos.knowledge.splitting import Piece, split
from khronos.knowledge.vectors import packed, signs
from khronos.knowledge.versions import chunk_of
from khronos.knowledge.words import words_of
from khronos.models import Chunk, Document, Tenant

OF_A_TOPIC = 50  # passages
CLOSE = 0.8  # of what a passage means, what its topic does: two of one are at a cosine of 0.64 to each other
WORDS, OWN_WORDS = 60, 0.4  # of a passage, and the share that only its topic has
VOCABULARY = 40  # words that only one topic has
TOGETHER = 1000  # what is held of more shows in the memory that is measured

type Table = np.ndarray[tuple[int, int], np.dtype[np.float32]]


class Meanings:
    """Vectors as far from each other as real ones are, in any direction: who asks means few of them."""

    def __init__(self, texts: Sequence[str], seed: int) -> None:
        real = embedder().embed(texts, patience_s=60)
        self.mean = real.mean(axis=0)
        self.spread = np.float32(real.std(axis=0).mean())
        self.chance = np.random.default_rng(seed)

    def drawn(self, count: int) -> Table:
        return self.chance.standard_normal((count, len(self.mean)), np.float32) * self.spread

    def around(self, topics: Table) -> Table:
        """One for each topic given, of length 1."""
        vectors = self.mean + CLOSE * topics + np.sqrt(1 - CLOSE**2) * self.drawn(len(topics))
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def fill(tenant: Tenant, count: int) -> Table:
    """The real passages, and others until there are so many; answers vectors to ask for others with."""
    for business, text in documents().items():
        keep(tenant, business, [*split(read("markdown", text.encode()))])
    texts = [*(each.text for each in questions()), *lines("unanswered.txt"), *real_texts()]
    meanings = Meanings(texts, seed=7)
    topics = meanings.drawn(max(1, count // OF_A_TOPIC))
    rest = count - Chunk.objects.filter(tenant=tenant).count()
    words = words_of(" ".join(documents().values()))
    for some in batched(range(rest), TOGETHER):
        of = np.array(some) % len(topics)
        pieces = [made(words, int(topic), number) for topic, number in zip(of, some, strict=True)]
        keep(tenant, f"Made {some[0]}", pieces, meanings.around(topics[of]))
    return meanings.around(topics[:20])


def real_texts() -> Iterator[str]:
    for text in documents().values():
        yield from (f"{piece.heading}. {piece.text}" for piece in split(read("markdown", text.encode())))


def made(words: Sequence[str], topic: int, number: int) -> Piece:
    """Words as often as in real passages, some of its topic, one of its own."""
    chance = np.random.default_rng((topic, number))
    own = int(WORDS * OWN_WORDS)
    common = [words[each] for each in chance.integers(len(words), size=WORDS - own)]
    special = [f"q{topic}w{each}" for each in chance.integers(VOCABULARY, size=own)]
    return Piece(f"Topic {topic}", " ".join([*common, *special, f"own{number}"]))


def keep(tenant: Tenant, title: str, pieces: Sequence[Piece], vectors: Table | None = None) -> None:
    document = Document.objects.create(tenant=tenant, source=title, title=title, due_at=None, state="ready")
    if vectors is None:
        texts = [f"{piece.heading or title}. {piece.text}" for piece in pieces]
        vectors = np.asarray(embedder().embed(texts, patience_s=60), np.float32)
    rows = [chunk_of(document, position, f"{position}", piece) for position, piece in enumerate(pieces)]
    for row, vector, code in zip(rows, vectors, signs(vectors), strict=True):
        row.vector, row.code, row.model = packed(vector), code.tobytes(), embedder().name
    Chunk.objects.bulk_create(rows)
    counting.write(counting.added(Scope(tenant.pk), (row.words for row in rows)))
