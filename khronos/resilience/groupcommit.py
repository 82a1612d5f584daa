"""Group commit: many threads' writes in one go. Whoever holds the pen writes for all who wait.

One thread pays for the disk, and the threads of a process never fight for the database's write lock. Whoever
was written for goes on at once; the pen goes to the first of those who came meanwhile.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence

HANDED_OVER = -1  # no thread's number: the heir has not woken up yet


class Ticket[T, R]:
    __slots__ = ("done", "error", "item", "result", "wake")

    def __init__(self, item: T) -> None:
        self.item = item
        self.done = False
        self.result: R | None = None
        self.error: BaseException | None = None
        self.wake = threading.Lock()
        self.wake.acquire()


class GroupCommit[T, R]:
    """`write` takes a batch and answers as many results; an exception among them is that item's own."""

    def __init__(self, write: Callable[[Sequence[T]], Sequence[R | BaseException]], most: int = 64) -> None:
        self._write = write
        self._most = most
        self._waiting: deque[Ticket[T, R]] = deque()
        self._lock = threading.Lock()
        self._writer: int | None = None  # the thread that holds the pen

    def submit(self, item: T) -> R:
        ticket: Ticket[T, R] = Ticket(item)
        if self._writer == threading.get_ident():
            self._fill([ticket])  # a write that submits: part of it
        else:
            self._queue(ticket)
        if ticket.error is not None:
            raise ticket.error
        return ticket.result  # type: ignore[return-value]

    def _queue(self, ticket: Ticket[T, R]) -> None:
        with self._lock:
            self._waiting.append(ticket)
            is_taken = self._writer is not None
            if not is_taken:
                self._writer = threading.get_ident()
        if is_taken:
            ticket.wake.acquire()  # written, or heir of the pen
        if not ticket.done:
            self._write_batch()

    def _write_batch(self) -> None:
        """The first ticket is this thread's own."""
        self._writer = threading.get_ident()
        batch = [self._waiting.popleft()]
        while self._waiting and len(batch) < self._most:
            batch.append(self._waiting.popleft())
        self._fill(batch)
        with self._lock:
            heir = self._waiting[0] if self._waiting else None
            self._writer = HANDED_OVER if heir else None
        if heir:
            heir.wake.release()
        for ticket in batch[1:]:
            ticket.wake.release()

    def _fill(self, batch: Sequence[Ticket[T, R]]) -> None:
        try:
            results = self._write([ticket.item for ticket in batch])
            for ticket, result in zip(batch, results, strict=True):
                if isinstance(result, BaseException):
                    ticket.error = result
                else:
                    ticket.result = result
        except BaseException as error:
            for ticket in batch:
                ticket.error = error
        for ticket in batch:
            ticket.done = True
