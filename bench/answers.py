"""The whole of Khronos under a storm of messages, against a plain python-telegram-bot on the same fakes.

Answered messages a second, processor time of each, and the memory that is in use afterwards.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench import system
from bench.instance import Instance
from bench.measure import Measure, Target, middle
from bench.patience import until
from bench.processes import ROOT, cpu_s
from bench.simulator.conversations import FIRST_CHAT_ID
from bench.simulator.remote import Remote
from bench.simulator.telegram.bot import DEFAULT_TOKEN

RATIO = Target(at_least=2, goal=4)
CPU_MS = Target(at_least=9, goal=5, less_is_better=True)
MEMORY_MB = Target(at_least=900, goal=600, less_is_better=True)
PATIENCE_S = 90.0
LOOK_EVERY_S = 0.4
IDLE_S = 3.0
UNREAD = "SELECT count(*) FROM khronos_document WHERE due_at IS NOT NULL"  # the example to ask about
TRIALS = "SELECT count(*) FROM khronos_backupcheck WHERE ended_at IS NOT NULL"  # of the first copy
PAIRS = ((250, 8), (2000, 1))  # chats and messages in each: people who write on (judged), and who write once


@dataclass(frozen=True, slots=True)
class Storm:
    """Everything said at once, until the last answer was on its screen."""

    messages: int
    seconds: float
    model_calls: int
    simulator_cpu_s: float
    verdict: dict[str, Any]

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


def storm(world: Remote, chats: int, messages: int, tag: str, first_chat_id: int = FIRST_CHAT_ID) -> Storm:
    world.call("reset")
    total, before = chats * messages, simulator_cpu_s(world)
    world.call("play", chats=chats, messages=messages, tag=tag, first_chat_id=first_chat_id)
    deadline = time.monotonic() + PATIENCE_S
    verdict: dict[str, Any] = {}
    while time.monotonic() < deadline and verdict.get("answered") != total:
        time.sleep(LOOK_EVERY_S)
        verdict = world.call("verdict")
    if verdict["answered"] != total or not verdict["good"]:
        raise RuntimeError(f"not every message was answered once and in order: {verdict}")
    sent = [call["at"] for call in world.call("telegram/calls", method="sendMessage")]
    began = min(update["pushed_at"] for update in world.call("telegram/updates"))
    model_calls = sum(world.call("stats")["models"].values())
    return Storm(total, max(sent) - began, model_calls, simulator_cpu_s(world) - before, verdict)


def simulator_cpu_s(world: Remote) -> float:
    return cpu_s(world._process.pid) if world._process else 0.0


@contextmanager
def peer(world: Remote) -> Iterator[None]:
    command = [sys.executable, "-m", "bench.peer", world.url, DEFAULT_TOKEN]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        world.call("telegram/say", chat_id=1, text="are you there?")
        while not world.call("telegram/answers", chat_id=1):
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


def run(quick: bool) -> list[Measure]:
    shrink = 4 if quick else 1
    with Remote.spawn() as world, Remote.spawn() as other, Instance(world) as khronos, peer(other):
        storm(world, 20, 2, "w")  # warm up
        idle = spent_idle(khronos)
        measures = []
        for number, (chats, messages) in enumerate(PAIRS):
            measures += pair(khronos, world, other, chats // shrink, messages, "ab"[number], idle)
        return [*measures, *memory(khronos)]


def spent_idle(khronos: Instance) -> dict[str, float]:
    """Processor seconds that each process takes in a second of rest, after all that a start sets going."""
    assert until(lambda: khronos.sql(UNREAD) == [(0,)] and khronos.sql(TRIALS) != [(0,)], 120)
    time.sleep(IDLE_S)  # the trial's process tidies up after it has said how it went
    before = system.cpu(khronos)
    time.sleep(IDLE_S)
    return {name: each / IDLE_S for name, each in system.spent(before, system.cpu(khronos)).items()}


def pair(
    khronos: Instance,
    world: Remote,
    other: Remote,
    chats: int,
    messages: int,
    tag: str,
    idle: dict[str, float],
) -> list[Measure]:
    """Ours, the peer, and ours again: what disturbs the machine disturbs both."""
    name = f"{chats} chats × {messages}"
    before, began = system.cpu(khronos), time.monotonic()
    ours = [storm(world, chats, messages, f"{tag}x")]
    spent, lasted = system.spent(before, system.cpu(khronos)), time.monotonic() - began
    theirs = storm(other, chats, messages, f"{tag}y")
    ours.append(storm(world, chats, messages, f"{tag}z"))
    each_ms = {
        part: round((seconds - idle.get(part, 0.0) * lasted) * 1000 / ours[0].messages, 2)
        for part, seconds in spent.items()
    }
    judged = messages > 1
    return [rate(name, ours, theirs, judged), cost(name, each_ms, judged)]


def rate(name: str, ours: Sequence[Storm], theirs: Storm, judged: bool) -> Measure:
    rates = [each.rate for each in ours]
    details = {
        "rates": rates,
        "model_calls": [each.model_calls for each in ours],
        "simulator_share_of_cpu": ours[0].simulator_cpu_s / ours[0].seconds,
        "verdict": ours[0].verdict,
    }
    target = RATIO if judged else None
    title = f"answers, {name}"
    return Measure(title, middle(rates), "msg/s", theirs.rate, "python-telegram-bot", target, details)


def cost(name: str, each_ms: Mapping[str, float], judged: bool) -> Measure:
    target, details = CPU_MS if judged else None, {"parts, ms": each_ms}
    return Measure(f"CPU a message, {name}", sum(each_ms.values()), "ms", target=target, details=details)


def memory(khronos: Instance) -> list[Measure]:
    used = system.memory(khronos)
    parts = {name: round(each.rss) for name, each in used.items()}
    shared = {name: round(each.pss) for name, each in used.items()}
    return [
        Measure(
            "memory after it, RSS of all", sum(each.rss for each in used.values()), "MB",
            target=MEMORY_MB, details={"parts, MB": parts},
        ),
        Measure(
            "memory after it, PSS of all", sum(each.pss for each in used.values()), "MB",
            details={"parts, MB": shared},
        ),
    ]  # fmt: skip
