"""Tells the operator what happens to the processes, and writes their state down for `ps`."""

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from khronos.launch import probes, state
from khronos.launch.home import Home
from khronos.launch.screen import Screen
from khronos.resilience.identity import Identity, uptime_s
from khronos.resilience.process import Process, State
from khronos.resilience.spool import Spool

LOG_MAX_BYTES = 20 * 1024 * 1024
READY_PATIENCE_S = 20.0  # then the rest is started anyway, and the operator told what is amiss


class Announcer:
    def __init__(self, home: Home, screen: Screen, settings: dict[str, str]) -> None:
        self.home = home
        self.screen = screen
        self.me = Identity.of(os.getpid()) or Identity(os.getpid(), time.time())
        self.host, self.port = probes.here(settings)
        self.address = probes.address(settings)
        self.token = settings["METRICS_TOKEN"]
        self.began = time.monotonic()
        self.is_ready = False
        self.has_complained = False
        self.asked_at = 0.0
        self.last_words: dict[str, str] = {}
        self.all_ran = False
        self.is_saved = True
        self.alerts = Spool(home.run / "alerts")  # taken by khronos/herald/sweep.py

    def ready_gate(self) -> bool:
        """Opens when /ready says 200, and after some patience anyway."""
        if not self.is_ready:
            self.ask()
        return self.is_ready or time.monotonic() - self.began > READY_PATIENCE_S

    def ask(self) -> None:
        now = time.monotonic()
        if now - self.asked_at < 0.1:
            return
        self.asked_at = now
        amiss = probes.ready(self.host, self.port, self.token)
        if amiss is None:
            self.is_ready = True
            self.screen.say(f"Khronos is ready at {self.address}", style="bold green")
            self.screen.say(
                f"  {uptime_s(self.me):.1f} s   chat /chat/   admin /admin/   live /dashboard"
                "   stop with Ctrl-C or `make down`"
            )
        elif now - self.began > READY_PATIENCE_S and not self.has_complained:
            self.has_complained = True
            failing = [name for name, check in amiss.get("checks", {}).items() if not check.get("ok")]
            self.screen.warn(
                f"Not ready yet: {', '.join(failing) or 'the web server does not answer'}; still trying"
            )

    def well_again(self, process: Process) -> None:
        self.screen.done(f"{process.name} is well again")
        self.over(process)

    def died(self, process: Process, how: str, back_in_s: float) -> None:
        self.alert(process, "", "warning", "%(process)s died (%(how)s).", how)
        when = f"back in {back_in_s:.0f} s" if back_in_s >= 0.5 else "back at once"
        self.screen.warn(f"{process.name} died ({how}), {when}{self._last_words(process)}")

    def gave_up(self, process: Process, how: str) -> None:
        said = "%(process)s is given up after %(starts)s failed starts (%(how)s)"
        self.alert(process, ".given_up", "critical", f"{said}.", how)
        self.screen.fail(
            f"{said % facts(process, how)}{self._last_words(process)}\n"
            f"  Fix: read {process.spec.log} and combined.log beside it, then `make down` and `make up`."
        )

    def renewing(self, process: Process, why: str) -> None:
        self.screen.warn(f"{process.name} {why}: restarting it")
        self.alert(process, "", "warning", "%(process)s %(how)s: it was restarted.", why)

    def stopping(self) -> None:
        self.screen.say("Stopping: first what takes messages in, then what answers them …")

    def stopped(self, process: Process, killed: bool) -> None:
        if killed:
            self.screen.warn(f"{process.name} did not end in time and was killed")
        else:
            self.screen.done(f"{process.name} stopped")

    def changed(self, processes: Sequence[Process]) -> None:
        if not self.all_ran and all(process.state is State.RUNNING for process in processes):
            self.all_ran = True
            for process in processes:
                self.over(process)  # what an earlier supervisor could not mend
            self.screen.done(
                f"{len(processes)} processes run ({', '.join(process.name for process in processes)})"
            )
        self.save(processes)

    def save(self, processes: Sequence[Process]) -> None:
        """A full disk must not stop the supervision; what it kept out is written at a later look."""
        me = state.Entry(state.SUPERVISOR, os.getpid(), self.me.started, "running", 0)
        try:
            state.save(self.home, [me, *(entry(process) for process in processes)])
            self.is_saved = True
        except OSError as error:
            if self.is_saved:
                self.screen.warn(f"{self.home.state} cannot be written: {error.strerror}")
            self.is_saved = False

    def looked(self, processes: Sequence[Process]) -> None:
        for process in processes:
            rotate(process.spec.log)
        if not self.is_saved:
            self.save(processes)
        if not self.is_ready:
            self.ask()

    def alert(self, process: Process, what: str, level: str, text: str, how: str) -> None:
        """Whoever takes the note says it in his language."""
        self.alerts.put(
            {"name": f"process.{process.name}{what}", "level": level, "text": text, **facts(process, how)}
        )

    def over(self, process: Process) -> None:
        for what in ("", ".given_up"):
            self.alerts.put({"name": f"process.{process.name}{what}"})

    def _last_words(self, process: Process) -> str:
        """Of one that does not get up; not the same ones again and again."""
        lines = tail(process.spec.log) if process.failed_starts > 1 else []
        said = lines[-1][:200] if lines else ""
        if not said or said == self.last_words.get(process.name):
            return ""
        self.last_words[process.name] = said
        return f"\n  Its last words: {said}"


def facts(process: Process, how: str) -> dict[str, str]:
    return {"process": process.name, "how": how, "starts": str(process.failed_starts)}


def entry(process: Process) -> state.Entry:
    identity = process.identity if process.alive else None
    pid, started = (identity.pid, identity.started) if identity else (None, 0.0)
    return state.Entry(process.name, pid, started, process.state, process.restarts)


def tail(path: Path, size: int = 4096) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return [line for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    except OSError:
        return []


def rotate(path: Path) -> None:
    """Copy and cut: the processes keep the file open, for appending."""
    try:
        if path.stat().st_size > LOG_MAX_BYTES:
            shutil.copyfile(path, path.with_suffix(".log.1"))
            os.truncate(path, 0)
    except OSError:
        return
