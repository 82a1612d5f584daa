"""Signals as something to wait for: handlers do nothing, the byte that Python writes wakes the loop."""

import contextlib
import select
import signal
import socket
from types import FrameType, TracebackType
from typing import Any, Self

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def remember_nothing(_number: int, _frame: FrameType | None) -> None:
    """A handler must exist for the signal to be caught."""


class Wakeup:
    def __init__(self, *signals: signal.Signals) -> None:
        self.signals = signals
        self.received: set[int] = set()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._before_fd = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in self.signals:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup means it
                self._before[number] = signal.signal(number, remember_nothing)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self.signals)  # who started us may have held them back
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._before_fd)
        self._reader.close()
        self._writer.close()

    def wait(self, timeout_s: float) -> None:
        select.select([self._reader], [], [], timeout_s)
        with contextlib.suppress(BlockingIOError):
            self.received.update(self._reader.recv(4096))
