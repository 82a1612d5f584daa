"""Group commit: many threads' writes in one go. Whoever holds the pen writes for all who wait.

One thread pays for the disk, and the threads of a process never fight for the database's write lock.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence


class Ticket[T, R]:
    __slots__ = ("done", "error", "item", "result")

    def __init__(self, item: T) -> None:
        self.item = item
        self.done = False
        self.result: R | None = None
        self.error: BaseException | None = None


class GroupCommit[T, R]:
    """`write` takes a batch and answers as many results; an exception among them is that item's own."""

    def __init__(self, write: Callable[[Sequence[T]], Sequence[R | BaseException]], most: int = 64) -> None:
        self._write = write
        self._most = most
        self._waiting: deque[Ticket[T, R]] = deque()
        self._pen = threading.RLock()

    def submit(self, item: T) -> R:
        ticket: Ticket[T, R] = Ticket(item)
        self._waiting.append(ticket)
        with self._pen:
            while not ticket.done:
                self._write_batch()
        if ticket.error is not None:
            raise ticket.error
        return ticket.result  # type: ignore[return-value]

    def _write_batch(self) -> None:
        batch: list[Ticket[T, R]] = []
        while self._waiting and len(batch) < self._most:
            batch.append(self._waiting.popleft())
        try:
            results = self._write([ticket.item for ticket in batch])
        except BaseException as error:
            for ticket in batch:
                ticket.error, ticket.done = error, True
            return
        for ticket, result in zip(batch, results, strict=True):
            if isinstance(result, BaseException):
                ticket.error = result
            else:
                ticket.result = result
            ticket.done = True
