"""A farewell: what a process does when it is told to stop. Seven steps, in order, each logged, each tried.

A thread of its own hears the first signal, whatever the main thread is at, and takes the steps. One that
fails or hangs is left behind. Another thread ends the process when all of it takes too long: whatever is
unfinished then must be found again by others, so that the exit code is 0 all the same.
"""

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from types import FrameType, TracebackType
from typing import Self

from khronos.resilience.shutdown import Stopping

log = logging.getLogger(__name__)

type Deed = Callable[[], str]  # answers in a few words what it did

ASKS_TO_STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
LAST_WORDS_S = 0.5  # a log that hangs must not keep the process


class Step(IntEnum):
    REQUESTS = 1  # taken no more
    SOURCES = 2  # of work, asked no more
    JOBS = 3  # in hand, finished
    UNFINISHED = 4  # given back
    QUEUE = 5  # closed, and so the rest
    DATABASE = 6
    SOCKETS = 7


NAMES = ("requests", "sources", "jobs in hand", "unfinished jobs", "queue", "database", "Redis and sockets")


@dataclass(frozen=True)
class FarewellPolicy:
    jobs_s: float = 10.0  # for the jobs in hand
    step_s: float = 3.0  # for any other step: all of them and the jobs fit into the hard stop
    hard_stop_s: float = 30.0  # from the first signal
    look_every_s: float = 0.02  # at the jobs in hand


class Attempt:
    """A deed in a thread of its own, so that one that hangs holds up nobody."""

    def __init__(self, deed: Deed, limit_s: float) -> None:
        self._deed = deed
        self.said = ""
        self.error: BaseException | None = None
        thread = threading.Thread(target=self._run, name="farewell-deed", daemon=True)
        thread.start()
        thread.join(limit_s)
        self.hangs = thread.is_alive()

    def _run(self) -> None:
        try:
            self.said = self._deed()
        except BaseException as error:
            self.error = error


class Farewell:
    """In its `with` block, in the main thread, signals are heard; after one its end is the process's."""

    def __init__(
        self,
        policy: FarewellPolicy | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self.policy = policy or FarewellPolicy()
        self.stopping = Stopping()
        self.is_clean = True
        self.rests = threading.Event()  # the main thread has nothing more to do
        self._deeds: dict[Step, Deed] = {}
        self._in_hand: Callable[[], int] | None = None
        self._clock, self._end = clock, end
        self._taken = threading.Lock()
        self._under_way = "nothing"

    def on(self, step: Step, deed: Deed) -> None:
        self._deeds[step] = deed

    def counts(self, in_hand: Callable[[], int]) -> None:
        """How many jobs are in hand: they are waited for, and those that stay are left to others."""
        self._in_hand = in_hand
        self.on(Step.JOBS, self._finish_jobs)

    def in_hand(self) -> int:
        return self._in_hand() if self._in_hand else 0

    def is_quiet(self) -> bool:
        """Nobody works any more, as far as is known."""
        return self.is_clean and self.rests.is_set() and self.in_hand() == 0

    def __enter__(self) -> Self:
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        # Python writes the signal's number there at once, also while the main thread is deep in foreign code.
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in ASKS_TO_STOP:
            signal.signal(number, leave_it_to_the_thread)
        threading.Thread(target=self._hear, args=[reader, writer], name="farewell", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        """A process that was not told to stop ends as it would without us."""
        if not self.stopping.is_set():
            return False
        if error is not None and kind is not SystemExit:
            log.warning("the main thread failed while stopping", exc_info=error)
        self.wait()
        return True  # not reached

    def wait(self) -> None:
        """For the main thread, which has nothing more to do: until the process ends."""
        self.rests.set()
        threading.Event().wait()

    def take(self) -> None:
        """All steps, once."""
        if not self._taken.acquire(blocking=False):
            return
        self.stopping.set()
        for step in Step:
            self._take(step)

    def _hear(self, reader: socket.socket, _writer: socket.socket) -> None:
        """The writing end is given along, so that it lives as long as this thread."""
        while not (heard := set(reader.recv(64)) & set(ASKS_TO_STOP)):
            pass
        threading.Thread(target=self._watch, name="farewell-watch", daemon=True).start()
        log.info("asked to stop by %s", signal.Signals(heard.pop()).name)
        self.take()
        sys.stdout.flush()
        self._end(0)  # Python would wait for threads, or take away from under them what they use

    def _watch(self) -> None:
        time.sleep(self.policy.hard_stop_s)

        def last_words() -> str:
            log.error("stopped hard after %g s; under way: %s", self.policy.hard_stop_s, self._under_way)
            return ""

        Attempt(last_words, LAST_WORDS_S)
        self._end(0)

    def _take(self, step: Step) -> None:
        title = self._under_way = f"{step}/{len(Step)} {NAMES[step - 1]}"
        deed = self._deeds.get(step)
        if deed is None:
            log.info("%s: nothing to do", title)
            return
        began = self._clock()
        attempt = Attempt(deed, self.policy.step_s + (self.policy.jobs_s if step is Step.JOBS else 0.0))
        took_s = self._clock() - began
        if attempt.hangs:
            self.is_clean = False
            log.error("%s: hangs, left behind after %.1f s", title, took_s)
        elif attempt.error:
            log.error("%s: failed, %.1f s", title, took_s, exc_info=attempt.error)
        else:
            log.info("%s: %s, %.1f s", title, attempt.said, took_s)

    def _finish_jobs(self) -> str:
        began = left = self.in_hand()
        deadline = self._clock() + self.policy.jobs_s
        while left and self._clock() < deadline:
            time.sleep(self.policy.look_every_s)
            left = self.in_hand()
        return f"{max(0, began - left)} finished, {left} left"


def leave_it_to_the_thread(_number: int, _frame: FrameType | None) -> None:
    """A handler must exist for the signal to be caught; a second signal changes nothing."""
