"""Replies of a whole instance while its worker reads a library, beside the quiet system of the same run."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from statistics import median, quantiles

from bench.instance import Instance
from bench.measure import Measure, Target
from bench.patience import until
from bench.processes import ROOT
from bench.simulator.remote import Remote
from bench.simulator.verdict import MARKER

MODEL_S = 0.2
QUESTIONS, QUICK_QUESTIONS = 120, 40
A_SECOND = 6.0
SMALL, LARGE = (100, 30), (12, 500)  # documents, and pieces of each
PATIENCE_S = 120.0
MEDIAN, P95, SLOWEST = (
    Target(most, goal, less_is_better=True) for most, goal in ((2, 1.5), (2.5, 1.5), (4, 2))
)

UNREAD = "SELECT count(*) FROM khronos_document WHERE due_at IS NOT NULL"
EMBEDDED = "SELECT count(*) FROM khronos_chunk WHERE code IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Replies:
    """Seconds from the moment somebody wrote to the moment the answer was sent."""

    median: float
    p95: float
    slowest: float
    pieces: int  # that were embedded meanwhile


def run(quick: bool) -> list[Measure]:
    count = QUICK_QUESTIONS if quick else QUESTIONS
    lines = []
    with reading() as (world, khronos):
        quiet = replies(world, khronos, count, "a")
        for tag, (documents, pieces) in zip("bc", (SMALL, LARGE), strict=True):
            finish(khronos)
            give(khronos, f"Library {tag}", documents, pieces)
            busy = replies(world, khronos, count, tag)
            if not khronos.sql(UNREAD)[0][0]:
                raise RuntimeError("all was read before the last reply")
            lines += compared(f"{documents} documents of {pieces} pieces", quiet, busy)
    return lines


@contextmanager
def reading() -> Iterator[tuple[Remote, Instance]]:
    """An instance that has read something already, so that each question is searched for."""
    with Remote.spawn() as world, Instance(world) as khronos:
        give(khronos, "Known", 2, 20)
        finish(khronos)
        replies(world, khronos, 10, "w")
        yield world, khronos


def give(khronos: Instance, name: str, documents: int, pieces: int) -> None:
    command = [
        sys.executable,
        "-m",
        "bench.inside",
        "bench.knowledge.library",
        name,
        str(documents),
        str(pieces),
    ]
    env = khronos.env | {"DJANGO_SETTINGS_MODULE": "settings.embedded"}
    subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True, timeout=PATIENCE_S)


def finish(khronos: Instance) -> None:
    if not until(lambda: khronos.sql(UNREAD) == [(0,)], PATIENCE_S):
        raise RuntimeError(f"not read: {khronos.rows('document')}")


def replies(world: Remote, khronos: Instance, count: int, tag: str) -> Replies:
    """To so many people, who write one after the other."""
    world.call("reset")
    world.call("models/think", seconds=MODEL_S)
    before = khronos.sql(EMBEDDED)[0][0]
    options = {"arrival": "paced", "rate": A_SECOND, "first_chat_id": 1_000_000 + ord(tag) * 1000}
    world.call("play", chats=count, messages=1, tag=tag, **options)
    if not until(
        lambda: world.call("verdict")["answered"] == count, count / A_SECOND + PATIENCE_S, every=0.4
    ):
        raise RuntimeError(f"not every message was answered: {world.call('verdict')}")
    pieces = khronos.sql(EMBEDDED)[0][0] - before
    asked = {marker_of(each["text"]): each["pushed_at"] for each in world.call("telegram/updates")}
    told = {
        marker_of(each["text"]): each["at"] for each in world.call("telegram/calls", method="sendMessage")
    }
    took = [told[marker] - at for marker, at in asked.items()]
    return Replies(median(took), quantiles(took, n=20)[-1], max(took), pieces)


def marker_of(text: str) -> str:
    return str(MARKER.findall(text)[0])


def compared(name: str, quiet: Replies, busy: Replies) -> list[Measure]:
    details = {"quiet": asdict(quiet), "meanwhile": asdict(busy)}
    return [
        Measure(f"{what} reply while {name} are read", ours, "s", theirs, "quiet", target, details)
        for what, ours, theirs, target in (
            ("median", busy.median, quiet.median, MEDIAN),
            ("p95", busy.p95, quiet.p95, P95),
            ("slowest", busy.slowest, quiet.slowest, SLOWEST),
        )
    ]
