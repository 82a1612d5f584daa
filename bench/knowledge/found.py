"""`python -m bench.inside bench.knowledge.found`: the right passage's place, by words, meaning, both."""

import json
import time
from collections.abc import Callable, Sequence
from statistics import mean

from bench.knowledge.pairs import Question, documents, lines, questions
from khronos.knowledge import intake, readers
from khronos.knowledge.search import Passage, search
from khronos.models import Chunk, Tenant

ALL = 200  # passages: more than there are

WAYS: dict[str, Callable[[Passage], float]] = {
    "words": lambda passage: passage.words,
    "meaning": lambda passage: passage.meaning,
    "hybrid": lambda passage: passage.score,
}


def main() -> None:
    tenant = Tenant.objects.create(slug="found", name="Found")
    began = time.process_time()
    for business, text in documents().items():
        intake.add(tenant, f"{business}.md", text.encode(), title=business)
    readers.read_all()
    spent_s = time.process_time() - began
    asked = list(questions())
    found = [search(tenant.pk, question.text, ALL) for question in asked]
    places = {
        name: [place(question, passages, way) for question, passages in zip(asked, found, strict=True)]
        for name, way in WAYS.items()
    }
    kinds = sorted({question.kind for question in asked})
    figures = {
        name: {"all": figures_of(ranks)}
        | {
            kind: figures_of([rank for rank, each in zip(ranks, asked, strict=True) if each.kind == kind])
            for kind in kinds
        }
        for name, ranks in places.items()
    }
    unanswered = [search(tenant.pk, line, 1)[0].covers for line in lines("unanswered.txt")]
    chunks = Chunk.objects.filter(tenant=tenant).count()
    result = {
        "figures": figures,
        "questions": len(asked),
        "chunks": chunks,
        "cpu_ms_a_chunk": spent_s * 1000 / chunks,
        "covered": mean(passages[0].covers for passages in found),
        "covered_wrongly": mean(unanswered),
    }
    print(json.dumps(result))


def place(question: Question, passages: Sequence[Passage], way: Callable[[Passage], float]) -> int:
    """Among those that this way finds at all; one that shares its place with others has the last of it."""
    scores = {(each.title, each.heading): way(each) for each in passages}
    right = scores.get((question.business, question.heading), 0.0)
    return sum(score >= right for score in scores.values()) if right > 0 else ALL


def figures_of(ranks: Sequence[int]) -> dict[str, float]:
    return {
        "hit@1": mean(rank == 1 for rank in ranks),
        "hit@3": mean(rank <= 3 for rank in ranks),
        "MRR": mean(1 / rank for rank in ranks),
    }
