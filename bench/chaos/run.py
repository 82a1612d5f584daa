"""One run: a crowd writes, the plan is carried out, all comes to rest, the evidence is examined."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from bench.chaos import crowd, plan
from bench.chaos.evidence import collect
from bench.chaos.havoc import Havoc, Missing
from bench.chaos.invariants import Finding, examine
from bench.chaos.plan import Fault, Plan
from bench.chaos.recovery import Canaries, Recovery, Struck, recoveries, waits
from bench.chaos.vitals import Vital, Vitals
from bench.instance import ROOT, Instance
from bench.patience import until
from bench.simulator import Simulator
from bench.simulator.conversations import Performance
from bench.simulator.verdict import Verdict
from bench.troubles import UNFINISHED, troubles
from khronos.launch import state

type Mode = Literal["edit", "send"]

TICK_S = 0.1
START_APART_S = 1.0  # of a supervisor that has died, as systemd would start it
REST_S = 150.0  # patience at the end: a lease of 30 s, a parked turn of 26 s, and the next ones behind them
THINKING_S = (0.2, 1.0)

# As in production: an instance of the tests would start its processes again sooner.
RESTARTS = {"RESTART_APART_S": "4", "FAILED_START_S": "10", "FAILED_STARTS_MAX": "10"}
# So that what one of them holds when it is frozen finds another.
AGENTS = {"AGENT_PROCESSES": "2"}


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for."""

    seed: int
    seconds: float = 120.0
    mode: Mode = "edit"
    chats: int = 40
    rate: float = 8.0


@dataclass(frozen=True, slots=True)
class Outcome:
    order: Order
    struck: list[Struck]
    verdict: Verdict
    findings: list[Finding]
    recoveries: list[Recovery]
    vitals: list[Vital]
    supervisors: int
    rested_s: float | None  # from the last word to rest; None: it did not come to rest

    @property
    def good(self) -> bool:
        return all(finding.holds for finding in self.findings)


class Watcher(Protocol):
    """Who is shown what happens. Times are seconds since the crowd began."""

    def planned(self, made: Plan, lines: int) -> None: ...
    def struck(self, at_s: float, fault: Fault) -> None: ...
    def missed(self, at_s: float, fault: Fault) -> None: ...
    def answered(self, at_s: float, struck: Struck) -> None: ...
    def resting(self, at_s: float) -> None: ...
    def rested(self, at_s: float, is_at_rest: bool) -> None: ...


class Run:
    def __init__(self, world: Simulator, khronos: Instance, made: Plan, watcher: Watcher) -> None:
        self.world, self.khronos, self.plan, self.watcher = world, khronos, made, watcher
        self.havoc, self.canaries, self.vitals = Havoc(world, khronos), Canaries(world), Vitals(khronos)
        self.struck: dict[int, Struck] = {}
        self.began = time.monotonic()
        self._start_at = 0.0

    @property
    def now_s(self) -> float:
        return time.monotonic() - self.began

    def carry_out(self) -> None:
        self.began = time.monotonic()
        for at_s, fault in agenda(self.plan):
            self._live_until(at_s)
            if fault.number in self.struck:
                self._end(fault)
            else:
                self._begin(fault)
        self._live_until(self.plan.seconds)

    def rest(self, performance: Performance) -> float | None:
        """Seconds until nothing is left to be done, and everything runs."""
        self.watcher.resting(self.now_s)
        began = time.monotonic()

        def is_at_rest() -> bool:
            self._look()
            if not performance.said or any(u.state == "pending" for u in self.world.telegram.updates()):
                return False
            left = troubles(self.khronos, {})
            runs = {entry.state for entry in state.load(self.khronos.home)}
            return not any(left[name] for name in UNFINISHED) and runs == {"running"}

        is_done = until(is_at_rest, REST_S, every=0.25)
        self.vitals.look(now_please=True)
        self.watcher.rested(self.now_s, is_done)
        return time.monotonic() - began if is_done else None

    def _begin(self, fault: Fault) -> None:
        struck = self.struck[fault.number] = Struck(fault, time.time())
        try:
            self.havoc.begin(fault)
        except Missing:
            struck.missing = True
            self.watcher.missed(self.now_s, fault)
            return
        self.watcher.struck(self.now_s, fault)
        if not fault.lasts_s:
            self.canaries.ask(struck)

    def _end(self, fault: Fault) -> None:
        struck = self.struck[fault.number]
        if not struck.missing:
            self.havoc.end(fault)
            self.canaries.ask(struck)

    def _live_until(self, at_s: float) -> None:
        while True:
            self._look()
            left = at_s - self.now_s
            if left <= 0:
                return
            time.sleep(min(left, TICK_S))

    def _look(self) -> None:
        self._raise_the_dead()
        self.vitals.look()
        for struck in self.canaries.hear():
            self.watcher.answered(self.now_s, struck)

    def _raise_the_dead(self) -> None:
        """Who ends the supervisor starts it again; all else is its own business."""
        process = self.khronos.process
        if process is not None and process.poll() is not None and time.monotonic() >= self._start_at:
            self._start_at = time.monotonic() + START_APART_S
            self.khronos.start(wait=False)


def agenda(made: Plan) -> list[tuple[float, Fault]]:
    """Each fault at its beginning, and at its end where it lasts."""
    moments = [(fault.at_s, fault) for fault in made.faults]
    moments += [(fault.ends_s, fault) for fault in made.faults if fault.lasts_s]
    return sorted(moments, key=lambda moment: (moment[0], moment[1].number))


@contextmanager
def staged(order: Order) -> Iterator[tuple[Simulator, Instance]]:
    env = {"TELEGRAM_DELIVERY_MODE": order.mode, **RESTARTS, **AGENTS}
    with Simulator.start(seed=order.seed) as world:
        world.telegram.deliver(copies=3, copy_chance=0.3, deaf_chance=0.05, retry_base=0.1, retry_cap=2.0)
        world.models.think(*THINKING_S)
        with Instance(world, env=env) as khronos:
            post_witness(khronos)
            yield world, khronos


def post_witness(khronos: Instance) -> None:
    env = {**khronos.env, "DJANGO_SETTINGS_MODULE": "settings.embedded"}
    subprocess.run(
        [sys.executable, "-m", "bench.inside", "bench.chaos.witness"], env=env, cwd=ROOT, check=True
    )


def play(order: Order, world: Simulator, khronos: Instance, watcher: Watcher) -> Outcome:
    made = plan.make(order.seed, order.seconds)
    lines = crowd.lines(order.seed, order.seconds, order.chats, order.rate)
    watcher.planned(made, len(lines))
    run = Run(world, khronos, made, watcher)
    performance = world.play(lines)
    run.carry_out()
    rested_s = run.rest(performance)
    evidence = collect(world, khronos, edits=order.mode == "edit")
    struck = list(run.struck.values())
    return Outcome(
        order=order,
        struck=struck,
        verdict=evidence.verdict,
        findings=examine(evidence),
        recoveries=recoveries(struck, waits(evidence.asked, evidence.screens)),
        vitals=run.vitals.table(),
        supervisors=run.vitals.supervisors,
        rested_s=rested_s,
    )
