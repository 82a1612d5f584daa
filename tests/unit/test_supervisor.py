"""The supervisor with small real processes; what it tells is the ledger."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bench.patience import until
from khronos.resilience.process import Process, Spec, State, is_dead
from khronos.resilience.restart_policy import RestartPolicy
from khronos.resilience.supervisor import Limits, Supervisor
from khronos.resilience.wakeup import Wakeup

QUICK = RestartPolicy(apart_s=0.05, failed_start_s=0.5, max_failed_starts=3)
NEVER_WELL = replace(QUICK, failed_start_s=60.0)  # however long the machine takes to start what dies at once
LIMITS = Limits(memory_mb=100.0, silence_s=5.0, hard_stop_s=30.0, look_every_s=0.0)
SOON_S = 60.0
SLEEP = "import time; time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
)


class Ledger:
    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def well_again(self, process: Process) -> None:
        self.told.append(("well again", process.name))

    def died(self, process: Process, how: str, back_in_s: float) -> None:
        self.told.append((f"died: {how}", process.name))

    def gave_up(self, process: Process, how: str) -> None:
        self.told.append((f"gave up: {how}", process.name))

    def renewing(self, process: Process, why: str) -> None:
        self.told.append((f"renewing: {why}", process.name))

    def stopping(self) -> None:
        self.told.append(("stopping", ""))

    def stopped(self, process: Process, killed: bool) -> None:
        self.told.append(("killed" if killed else "stopped", process.name))

    def changed(self, processes: Sequence[Process]) -> None:
        pass

    def looked(self, processes: Sequence[Process]) -> None:
        pass


class Bench:
    """A supervisor whose loop the test turns by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = Ledger()
        self.memory: dict[int, float] = {}
        self.supervisor: Supervisor | None = None

    def spec(self, name: str, code: str = SLEEP) -> Spec:
        command = (sys.executable, "-c", code)
        return Spec(
            name=name, command=command, env={}, cwd=self.folder, log=self.folder / f"{name}.log", policy=QUICK
        )

    def start(
        self, *specs: Spec, limits: Limits = LIMITS, gates: Mapping[int, Callable[[], bool]] | None = None
    ) -> None:
        def memory_of(pids: Iterable[int]) -> Mapping[int, float]:
            return {pid: self.memory.get(pid, 1.0) for pid in pids}

        self.supervisor = Supervisor(specs, limits, self.ledger, memory_of, gates)
        self.step()

    def step(self) -> None:
        assert self.supervisor is not None
        self.supervisor.step(time.monotonic())

    def __getitem__(self, name: str) -> Process:
        assert self.supervisor is not None
        return next(process for process in self.supervisor.processes if process.name == name)

    def until(self, ask: Callable[[], object]) -> None:
        deadline = time.monotonic() + SOON_S
        while not ask():
            assert time.monotonic() < deadline, self.ledger.told
            self.step()
            time.sleep(0.01)

    def stop(self) -> None:
        if self.supervisor is not None:
            with Wakeup() as wakeup:
                self.supervisor._stop_all(wakeup)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.stop()


def test_a_killed_process_comes_back_as_another(bench: Bench) -> None:
    bench.start(bench.spec("one"))
    first = bench["one"].pid
    assert first is not None
    psutil.Process(first).kill()
    bench.until(lambda: bench["one"].pid not in (None, first))
    assert bench["one"].restarts == 1
    assert ("died: signal 9", "one") in bench.ledger.told
    bench.until(lambda: ("well again", "one") in bench.ledger.told)


def test_a_process_that_never_starts_is_given_up(bench: Bench) -> None:
    broken = replace(bench.spec("broken", "raise SystemExit(3)"), policy=NEVER_WELL)
    bench.start(broken, bench.spec("good"))
    bench.until(lambda: bench["broken"].state is State.FAILED)
    told = [what for what, name in bench.ledger.told if name == "broken"]
    assert told == ["died: exit code 3", "died: exit code 3", "gave up: exit code 3"]
    assert bench["good"].state is State.RUNNING


def test_a_missing_program_is_given_up_with_its_name(bench: Bench) -> None:
    bench.start(replace(bench.spec("absent"), command=("/nowhere/program",)))
    bench.until(lambda: bench["absent"].state is State.FAILED)
    assert bench.ledger.told[-1] == ("gave up: No such file or directory: /nowhere/program", "absent")


def test_a_fat_process_is_renewed_and_not_blamed(bench: Bench) -> None:
    bench.start(bench.spec("fat"))
    first = bench["fat"].pid
    assert first is not None
    bench.memory[first] = 101.0
    bench.until(lambda: bench["fat"].pid not in (None, first))
    assert bench["fat"].restarts == 1
    assert bench["fat"].failed_starts == 0
    assert bench.ledger.told == [("renewing: uses 101 MB, more than 100", "fat")]
    bench.until(lambda: bench.ledger.told[-1] == ("well again", "fat"))


def test_a_process_that_falls_silent_is_renewed(bench: Bench) -> None:
    beats = iter([1, 2])
    last = [0]

    def pulse() -> int:
        last[0] = next(beats, last[0])
        return last[0]

    bench.start(replace(bench.spec("silent"), pulse=pulse), limits=replace(LIMITS, silence_s=0.2))
    first = bench["silent"].pid
    bench.until(lambda: bench["silent"].pid not in (None, first))
    assert bench.ledger.told[0][0].startswith("renewing: has given no sign of life")


def test_a_process_that_never_beats_is_left_alone(bench: Bench) -> None:
    bench.start(replace(bench.spec("quiet"), pulse=lambda: None), limits=replace(LIMITS, silence_s=0.05))
    first, deadline = bench["quiet"].pid, time.monotonic() + 0.3
    bench.until(lambda: time.monotonic() > deadline)
    assert bench["quiet"].pid == first


def test_a_wave_waits_for_the_one_before_and_for_its_gate(bench: Bench) -> None:
    up, open_ = [False], [False]
    first = replace(bench.spec("first"), is_up=lambda: up[0])
    second = replace(bench.spec("second"), start_wave=1)
    third = replace(bench.spec("third"), start_wave=2)
    bench.start(first, second, third, gates={2: lambda: open_[0]})
    bench.step()
    assert [bench[name].state for name in ("first", "second")] == [State.STARTING, State.WAITING]
    up[0] = True
    bench.until(lambda: bench["second"].state is State.RUNNING)
    bench.step()
    assert bench["third"].state is State.WAITING
    open_[0] = True
    bench.until(lambda: bench["third"].state is State.RUNNING)


def test_stop_goes_by_waves_and_leaves_nothing(bench: Bench) -> None:
    bench.start(
        replace(bench.spec("store"), stop_wave=2),
        bench.spec("web"),
        replace(bench.spec("agent"), stop_wave=1),
    )
    pids = [bench[name].pid for name in ("store", "web", "agent")]
    bench.stop()
    assert bench.ledger.told == [
        ("stopping", ""),
        ("stopped", "web"),
        ("stopped", "agent"),
        ("stopped", "store"),
    ]
    assert not any(pid and psutil.pid_exists(pid) for pid in pids)


def test_what_does_not_stop_is_killed(bench: Bench) -> None:
    bench.start(bench.spec("stubborn", STUBBORN), limits=replace(LIMITS, hard_stop_s=0.3))
    log = bench.folder / "stubborn.log"
    bench.until(lambda: log.read_text() != "")
    bench.stop()
    assert bench.ledger.told[-1] == ("killed", "stubborn")


def test_children_of_a_killed_process_do_not_outlive_it(bench: Bench) -> None:
    family = (
        f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); "
        f"print(child.pid, flush=True); child.wait()"
    )
    bench.start(bench.spec("parent", family))
    log = bench.folder / "parent.log"
    bench.until(lambda: log.read_text().endswith("\n"))
    child, parent = psutil.Process(int(log.read_text())), bench["parent"].pid
    assert parent is not None
    psutil.Process(parent).kill()
    bench.until(lambda: bench["parent"].restarts == 1)
    _gone, alive = psutil.wait_procs([child], timeout=5)
    assert alive == []


def test_time_that_a_gate_takes_does_not_bring_the_starts_nearer(bench: Bench) -> None:
    """A start's moment is its step's: none may follow the gate in a step whose clock was read before it."""
    is_open = [False]
    gates = {1: lambda: is_open[0]}
    bench.start(bench.spec("first"), replace(bench.spec("second"), start_wave=1), gates=gates)
    assert bench.supervisor is not None
    now = time.monotonic()
    bench.supervisor.step(now)
    is_open[0] = True
    bench.supervisor.step(now + 1)
    assert not bench["second"].alive
    bench.supervisor.step(now + 2)
    assert bench["second"].started == now + 2
    assert bench["second"].state is State.RUNNING


def renewals(bench: Bench) -> list[tuple[str, str]]:
    return [(what, name) for what, name in bench.ledger.told if what.startswith("renewing")]


def test_silence_while_the_supervisor_stood_still_itself_is_no_hang(bench: Bench) -> None:
    """A suspended machine: all wake together, and the supervisor may be the first to look."""
    beats = [1]
    bench.start(replace(bench.spec("asleep"), pulse=lambda: beats[0]), limits=replace(LIMITS, silence_s=60.0))
    assert bench.supervisor is not None
    first, now = bench["asleep"].pid, time.monotonic()
    beats[0] = 2
    for after_s in (5, 10, *range(3610, 3666, 5)):
        bench.supervisor.step(now + after_s)
    assert renewals(bench) == []
    assert bench["asleep"].pid == first
    bench.supervisor.step(now + 3670)
    assert renewals(bench) == [("renewing: has given no sign of life for 65 s", "asleep")]


def test_patience_with_a_stop_does_not_run_out_while_the_supervisor_stands_still(bench: Bench) -> None:
    bench.start(bench.spec("stubborn", STUBBORN), limits=replace(LIMITS, hard_stop_s=5.0))
    assert bench.supervisor is not None
    log = bench.folder / "stubborn.log"
    bench.until(lambda: log.read_text() != "")
    first, now = bench["stubborn"].pid, time.monotonic()
    assert first is not None
    bench.memory[first] = 101.0
    for after_s in (1, 121, 124):
        bench.supervisor.step(now + after_s)
    assert bench["stubborn"].state is State.STOPPING
    assert not until(lambda: is_dead(first), 0.3)
    bench.supervisor.step(now + 127)
    bench.until(lambda: bench["stubborn"].pid != first)
