"""Keeps processes alive: starts them in waves, restarts the dead, the fat, the silent, stops them in order.

One thread and no callbacks from signals: they only wake the loop. See docs/processes.md.
"""

import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from khronos.resilience.process import Process, Spec, State
from khronos.resilience.restart_policy import GiveUp
from khronos.resilience.wakeup import STOP_SIGNALS, Wakeup


@dataclass(frozen=True)
class Limits:
    memory_mb: float = 500.0
    silence_s: float = 60.0  # without a sign of life from a process that gave one before
    hard_stop_s: float = 30.0  # for the stop of all; then SIGKILL
    silent_stop_s: float = 10.0  # for one that hangs: it will hardly hear the signal
    look_every_s: float = 5.0  # at memory and signs of life
    own_silence_s: float = 10.0  # between two steps: the machine slept, or somebody stopped the supervisor
    tick_s: float = 1.0
    starting_tick_s: float = 0.05


class Watcher(Protocol):
    """Who is told what happens."""

    def well_again(self, process: Process) -> None: ...
    def died(self, process: Process, how: str, back_in_s: float) -> None: ...
    def gave_up(self, process: Process, how: str) -> None: ...
    def renewing(self, process: Process, why: str) -> None: ...
    def stopping(self) -> None: ...
    def stopped(self, process: Process, killed: bool) -> None: ...
    def changed(self, processes: Sequence[Process]) -> None: ...
    def looked(self, processes: Sequence[Process]) -> None: ...


class Supervisor:
    def __init__(
        self,
        specs: Iterable[Spec],
        limits: Limits,
        watcher: Watcher,
        memory_of: Callable[[Iterable[int]], Mapping[int, float]],
        gates: Mapping[int, Callable[[], bool]] | None = None,
    ) -> None:
        self.processes = [Process(spec) for spec in specs]
        self.limits = limits
        self.watcher = watcher
        self.memory_of = memory_of
        self.gates = gates or {}
        self._wave = 0
        self._told: object = None
        self._look_at = 0.0
        self._stepped_at: float | None = None

    def run(self) -> None:
        """Until a stop signal; when this returns nothing is left running."""
        with Wakeup(*STOP_SIGNALS, signal.SIGCHLD) as wakeup:
            while not wakeup.received & set(STOP_SIGNALS):
                self.step(time.monotonic())
                wakeup.wait(self.limits.starting_tick_s if self._is_starting() else self._nap())
            self._stop_all(wakeup)

    def step(self, now: float) -> None:
        self._excuse_own_silence(now)
        for process in self.processes:
            if how := process.reap():
                self._after_death(process, how, now)
            elif process.reason and process.state is State.RUNNING and process.is_settled(now):
                process.reason = ""
                self.watcher.well_again(process)
            elif process.state is State.STARTING and process.spec.is_up and process.spec.is_up():
                process.state = State.RUNNING
            elif process.state is State.STOPPING and now >= process.kill_at:
                process.kill()
        for process in self.processes:
            if (
                process.state is State.WAITING
                and process.spec.start_wave <= self._wave
                and now >= process.due
            ):
                self._start(process, now)
        self._open_next_wave()  # its gate takes time: who may start now starts in the next step, by its clock
        if now >= self._look_at:
            self._look(now)
        self._tell_changes()

    def _excuse_own_silence(self, now: float) -> None:
        """Who did not listen cannot say that others were silent, nor that they were slow to stop."""
        missed_s = 0.0 if self._stepped_at is None else now - self._stepped_at
        self._stepped_at = now
        if missed_s > self.limits.own_silence_s:
            for process in self.processes:
                process.excuse(missed_s)

    def _is_starting(self) -> bool:
        last = max((process.spec.start_wave for process in self.processes), default=0)
        return self._wave < last or any(process.state is State.STARTING for process in self.processes)

    def _nap(self) -> float:
        now = time.monotonic()
        dues = [process.due - now for process in self.processes if process.state is State.WAITING]
        return max(0.01, min([self.limits.tick_s, *dues]))

    def _open_next_wave(self) -> None:
        """A process that fails again and again must not keep the later ones from starting."""
        following = [
            process.spec.start_wave for process in self.processes if process.spec.start_wave > self._wave
        ]
        earlier = [process for process in self.processes if process.spec.start_wave <= self._wave]
        settled = all(p.state in (State.RUNNING, State.FAILED) or p.failed_starts > 2 for p in earlier)
        if following and settled and self.gates.get(min(following), lambda: True)():
            self._wave = min(following)

    def _start(self, process: Process, now: float) -> None:
        try:
            process.start(now)
        except OSError as error:
            self._after_death(process, f"{error.strerror}: {process.spec.command[0]}", now)

    def _after_death(self, process: Process, how: str, now: float) -> None:
        process.reason = how
        if process.state is State.STOPPING:  # we asked for it: renewed
            process.state, process.due = State.WAITING, now
            process.restarts += 1
            return
        lived_s = now - process.started
        verdict = process.spec.policy.after_death(lived_s, process.failed_starts)
        process.failed_starts = verdict.failed_starts
        if isinstance(verdict, GiveUp):
            process.state = State.FAILED
            self.watcher.gave_up(process, how)
            return
        process.restarts += 1
        process.state, process.due = State.WAITING, now + verdict.after_s
        self.watcher.died(process, how, verdict.after_s)

    def _look(self, now: float) -> None:
        self._look_at = now + self.limits.look_every_s
        running = [process for process in self.processes if process.state is State.RUNNING]
        rss = self.memory_of([process.pid for process in running if process.pid])
        for process in running:
            used = rss.get(process.pid or 0, 0.0)
            if process.spec.memory_is_limited and used > self.limits.memory_mb:
                self.watcher.renewing(process, f"uses {used:.0f} MB, more than {self.limits.memory_mb:.0f}")
                process.ask_to_stop(now, self.limits.hard_stop_s)
            elif (silent_s := process.silent_s(now)) > self.limits.silence_s:
                self.watcher.renewing(process, f"has given no sign of life for {silent_s:.0f} s")
                process.ask_to_stop(now, self.limits.silent_stop_s)
        self.watcher.looked(self.processes)

    def _tell_changes(self) -> None:
        picture = [(process.pid, process.state, process.restarts) for process in self.processes]
        if picture != self._told:
            self._told = picture
            self.watcher.changed(self.processes)

    def _stop_all(self, wakeup: Wakeup) -> None:
        self.watcher.stopping()
        deadline = time.monotonic() + self.limits.hard_stop_s
        for wave in sorted({process.spec.stop_wave for process in self.processes}):
            members = [process for process in self.processes if process.spec.stop_wave == wave]
            for process in members:
                process.ask_to_stop(time.monotonic(), max(0.0, deadline - time.monotonic()))
            self._tell_changes()
            self._see_off(members, wakeup)

    def _see_off(self, members: list[Process], wakeup: Wakeup) -> None:
        left = list(members)
        while left:
            for process in list(left):
                late = time.monotonic() >= process.kill_at
                if process.alive and late:
                    process.kill()
                if not process.alive or process.reap():
                    process.state = State.STOPPED
                    left.remove(process)
                    self.watcher.stopped(process, killed=late)
            self._tell_changes()
            if left:
                wakeup.wait(0.05 if late else 0.5)
