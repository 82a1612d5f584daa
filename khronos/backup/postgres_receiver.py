"""Receives the journal of a PostgreSQL server, and brings it to a bucket where copies lie in one (ADR 14)."""

import gzip
import shutil
import signal
import subprocess
import time
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from khronos.backup import postgres_dumps as dumps
from khronos.backup import postgres_journal as journal
from khronos.backup import postgres_programs as programs
from khronos.backup import postgres_server as server
from khronos.backup import postgres_slot as slot
from khronos.backup.engine import BackupFailed, nobody
from khronos.backup.shelf import DRAFT, explained, folder

AGAIN_S = 2.0
STOP_S = 5.0
PARTIAL = ".partial"
QUICKLY = 1  # of gzip's levels
BEGUN = "begun"  # shows that an era is there before anything else of it


def prepare() -> list[str]:
    """The command that receives it. Where the slot or what was received is gone another era begins."""
    receiver = programs.program("pg_receivewal")
    with explained():
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        known = journal.eras()
        with server.opened(server.maintenance()) as found:
            if slot.asked(found) is None or not known or not (folder() / known[-1]).is_dir():
                slot.make(found)
                known = [begin()]
        spool = folder() / known[-1] / journal.JOURNAL
        spool.mkdir(mode=0o700, exist_ok=True)
    dumps.failure(dumps.JOURNAL).unlink(missing_ok=True)
    return [
        receiver, f"--slot={slot.name()}", "--synchronous", "--status-interval=2", "--no-password",
        f"--directory={spool}",
    ]  # fmt: skip


def begin() -> str:
    era = f"{journal.ERA}{datetime.now(UTC):{dumps.TIME}}"
    (folder() / era).mkdir(mode=0o700)
    if journal.is_away():
        for old in folder().glob(f"{journal.ERA}*"):
            if old.name != era:
                shutil.rmtree(old)
        draft = folder() / era / f"{BEGUN}{DRAFT}"
        draft.write_text(slot.name())
        dumps.shelf().put(draft, f"{era}/{BEGUN}", nobody)
    return era


def carry_on(command: list[str]) -> int:
    """Until stopped, or until another era has to begin."""
    signal.signal(signal.SIGTERM, lambda *_: exit_in_order())
    carrier = Carrier(Path(command[-1].partition("=")[2]))
    with subprocess.Popen(command, env=programs.environment()) as receiver:
        try:
            while receiver.poll() is None and not carrier.is_emptied:
                carrier.work(receiver)
        finally:
            receiver.terminate()
            try:
                receiver.wait(STOP_S)
            except subprocess.TimeoutExpired:
                receiver.kill()
            carrier.end()
    return 1


def exit_in_order() -> None:
    raise SystemExit(0)


class Carrier:
    """From the folder where pieces are received to the bucket."""

    def __init__(self, spool: Path) -> None:
        self.spool, self.era = spool, spool.parent.name
        self.full: set[str] = set()  # those that are in the bucket
        self.partial = ""
        self.is_emptied = False  # what is received now would continue nothing
        for left in spool.parent.glob(f"*{DRAFT}"):
            left.unlink()

    def work(self, receiver: "subprocess.Popen[bytes]") -> None:
        """Each interval, and whenever somebody calls. What fails is told, and tried again."""
        try:
            with server.opened(server.live()) as found:
                found.execute(f"LISTEN {slot.CALL}")
                while receiver.poll() is None and not self.is_emptied:
                    self.bring(found)
                    dumps.failure(dumps.JOURNAL).unlink(missing_ok=True)
                    deque(found.notifies(timeout=settings.BACKUP_SYNC_S, stop_after=1), maxlen=0)
        except BackupFailed as error:
            dumps.keep(dumps.JOURNAL, error)
            time.sleep(AGAIN_S)

    def end(self) -> None:
        """What came last, if that can be had."""
        with suppress(BackupFailed), server.opened(server.live()) as found:
            self.bring(found)

    def bring(self, found: Any) -> None:
        row = slot.asked(found)  # before the files are read: up to there they are written
        if self.era not in journal.eras():
            self.is_emptied = True
            return
        with explained():
            full = sorted(path for path in self.spool.iterdir() if path.suffix != PARTIAL)
            for path in full:
                if path.name not in self.full:
                    self.put(path, f"{path.name}.gz")
                    self.clear(f"{path.name}{PARTIAL}")
                    self.full.add(path.name)
            for path in full[:-1]:  # the last one shows the receiver where to go on
                path.unlink()
            for path in self.spool.glob(f"*{PARTIAL}") if row else ():
                self.bring_partial(path, journal.number(row[3]) if row else 0)

    def bring_partial(self, path: Path, position: int) -> None:
        name = f"{path.name}.{position >> 32:08X}_{position & 0xFFFFFFFF:08X}.gz"
        if name != self.partial:
            self.put(path, name)
            self.clear(path.name, but=name)
            self.partial = name

    def put(self, path: Path, name: str) -> None:
        draft = self.spool.parent / f"{name}{DRAFT}"
        with path.open("rb") as plain, gzip.open(draft, "wb", QUICKLY) as pressed:
            shutil.copyfileobj(plain, pressed)
        dumps.shelf().put(draft, f"{self.era}/{journal.JOURNAL}{name}", nobody)

    def clear(self, beginning: str, but: str = "") -> None:
        """Earlier states of a piece."""
        for thing in dumps.shelf().things(f"{self.era}/{journal.JOURNAL}{beginning}"):
            if not but or not thing.name.endswith(but):
                dumps.shelf().remove(thing.name)
