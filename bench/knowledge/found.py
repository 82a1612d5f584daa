"""`python -m bench.inside bench.knowledge.found`: a passage's place by words, meaning, both; in a talk."""

import json
import time
from collections.abc import Callable, Sequence
from statistics import mean
from typing import Any

from bench.knowledge.pairs import KINDS, Question, documents, follow_ups, lines, questions
from khronos.knowledge import intake, readers
from khronos.knowledge.passage import Passage
from khronos.knowledge.search import search
from khronos.models import Chunk, Tenant

ALL = 200  # passages: more than there are
OTHER_TOPICS = (3, 111, 160)  # so many questions further: of the same business, and of others

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
    unanswered = [search(tenant.pk, line, 1)[0].covers for line in lines("unanswered.txt")]
    chunks = Chunk.objects.filter(tenant=tenant).count()
    result = {
        "figures": {name: by_kind(asked, found, way) for name, way in WAYS.items()},
        "questions": len(asked),
        "chunks": chunks,
        "cpu_ms_a_chunk": spent_s * 1000 / chunks,
        "covered": mean(passages[0].covers for passages in found),
        "covered_wrongly": mean(unanswered),
    }
    print(json.dumps(result | talks(tenant) | {"both": both(tenant)}))


def by_kind(
    asked: Sequence[Question], found: Sequence[Sequence[Passage]], way: Callable[[Passage], float]
) -> dict[str, Any]:
    ranks: dict[str, list[int]] = {"all": []}
    for question, passages in sorted(zip(asked, found, strict=True), key=lambda pair: pair[0].kind):
        rank = place(question, passages, way)
        ranks["all"].append(rank)
        ranks.setdefault(question.kind, []).append(rank)
    return {kind: figures_of(each) for kind, each in ranks.items()}


def talks(tenant: Tenant) -> dict[str, Any]:
    """Questions that lean on the ones before, and others that have nothing to do with them."""
    asked = list(questions())
    leaning = list(follow_ups())
    others = [
        ([asked[(number + step) % len(asked)].text], each)
        for number, each in enumerate(asked)
        for step in OTHER_TOPICS
    ]
    unanswered = [
        ([asked[(7 * number + step) % len(asked)].text], line)
        for number, line in enumerate(lines("unanswered.txt"))
        for step in OTHER_TOPICS
    ]
    return {
        "follow-ups": len(leaning),
        "follow-ups alone": told(tenant, [([], each) for _, each in leaning]),
        "follow-ups in their talk": told(tenant, leaning),
        "after another topic": told(tenant, others),
        "covered wrongly after another topic": mean(
            search(tenant.pk, line, 1, earlier=before)[0].covers for before, line in unanswered
        ),
    }


def both(tenant: Tenant) -> dict[str, float]:
    """Of two questions in a message, how often both passages are among as many as a model is given."""
    asked = [each for each in questions() if each.kind == KINDS["="]]
    pairs = [(one, asked[(number + 3) % len(asked)]) for number, one in enumerate(asked)]
    glued = {"two sentences": lambda one, other: f"{one} {other}", "and": joined}
    return {
        name: mean(
            {(each.business, each.heading) for each in pair}
            <= {(each.title, each.heading) for each in search(tenant.pk, glue(*(each.text for each in pair)))}
            for pair in pairs
        )
        for name, glue in glued.items()
    }


def joined(one: str, other: str) -> str:
    return f"{one.rstrip('?')} and {other[0].lower()}{other[1:]}"


def told(tenant: Tenant, asked: Sequence[tuple[Sequence[str], Question]]) -> dict[str, float]:
    ranks, covered = [], []
    for before, question in asked:
        found = search(tenant.pk, question.text, ALL, earlier=before)
        ranks.append(place(question, found, WAYS["hybrid"]))
        covered.append(found[0].covers)
    return figures_of(ranks) | {"covered": mean(covered)}


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
