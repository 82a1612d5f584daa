"""How well passages are found among hard ones, what a question and a chunk cost, and how that grows."""

from collections.abc import Sequence
from typing import Any

from bench.measure import Measure, Target
from bench.site import Site, postgresql, site

SIZES, QUICK_SIZES = (1_000, 10_000, 100_000), (1_000, 10_000)
HITS = Target(at_least=0.95, goal=0.97)
BETTER = Target(at_least=1.0, goal=1.03)
FOLLOWS = Target(at_least=1.5, goal=2)
SAME = Target(at_least=0.98, goal=1)
QUERY_MS = Target(at_least=50, goal=20, less_is_better=True)
MEMORY_MB = Target(at_least=400, goal=300, less_is_better=True)


def run(quick: bool) -> list[Measure]:
    sizes = QUICK_SIZES if quick else SIZES
    with site() as place:
        found: dict[str, Any] = place.run("bench.inside", "bench.knowledge.found")
        lines = [*quality(found), *talks(found), *cost(found), *growth("SQLite", place, sizes)]
    with postgresql() as url, site(url) as place:
        return [*lines, *growth("PostgreSQL", place, sizes)]


def quality(found: dict[str, Any]) -> list[Measure]:
    figures = found["figures"]
    name = f"of {found['questions']} questions"
    lines = [
        Measure(f"hybrid: hit@3 {name}", figures["hybrid"]["all"]["hit@3"], "", target=HITS, details=figures)
    ]
    for other in ("words", "meaning"):
        for what in ("hit@1", "hit@3", "MRR"):
            ours, theirs = figures["hybrid"]["all"][what], figures[other]["all"][what]
            lines.append(Measure(f"hybrid: {what}", ours, "", theirs, f"{other} only", BETTER))
    for kind, each in figures["hybrid"].items():
        if kind != "all":
            lines.append(Measure(f"hybrid, {kind}: hit@1 / hit@3 {each['hit@3']:.3f}", each["hit@1"], ""))
    return [
        *lines,
        Measure("questions with an answer that are said to have one", found["covered"], ""),
        Measure("questions without an answer that are said to have one", found["covered_wrongly"], ""),
    ]


def talks(found: dict[str, Any]) -> list[Measure]:
    alone, before = found["follow-ups alone"], found["follow-ups in their talk"]
    other = found["after another topic"]
    single = found["figures"]["hybrid"]["all"]
    name = f"hit@3 of {found['follow-ups']} follow-ups with what was asked before"
    two = [
        Measure(f"both of two questions in a message, among five ({how})", share, "")
        for how, share in found["both"].items()
    ]
    return [
        *two,
        Measure(name, before["hit@3"], "", alone["hit@3"], "their own words", FOLLOWS, details=before),
        Measure("hit@3 of questions after another topic", other["hit@3"], "", single["hit@3"], "alone", SAME),
        Measure("follow-ups that are said to have an answer", before["covered"], ""),
        Measure("without an answer, after another topic", found["covered wrongly after another topic"], ""),
    ]


def cost(found: dict[str, Any]) -> list[Measure]:
    return [Measure("read, split and embedded: CPU a chunk", found["cpu_ms_a_chunk"], "ms")]


def growth(database: str, place: Site, sizes: Sequence[int]) -> list[Measure]:
    lines = []
    for size in sizes:
        ways: dict[str, Any] = place.run("bench.inside", "bench.knowledge.growth", str(size))
        for way, each in ways.items():
            name = f"{database}, {way}: {size:,} chunks"
            lines += [
                Measure(
                    f"{name}, a question on one core, p95",
                    each["p95_ms"],
                    "ms",
                    target=QUERY_MS,
                    details=each,
                ),
                Measure(f"{name}, memory with the model", each["rss_mb"], "MB", target=MEMORY_MB),
                Measure(f"{name}, the nearest is among those compared", each["nearest is compared"], ""),
            ]
    return lines
