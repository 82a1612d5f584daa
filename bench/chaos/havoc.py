"""What breaks things: signals to processes, a flush, faults ordered from the simulator."""

import signal
from collections.abc import Callable
from contextlib import suppress

import psutil
import redis

from bench.chaos.plan import EVERYTHING, Fault, Kind
from bench.instance import Instance
from bench.simulator import Simulator
from khronos.launch import state

TELEGRAM_REST_S = 3  # what Telegram asks for when it is busy
MODEL_SLOW_S = 7.0
SIGNALS = {Kind.KILL: signal.SIGKILL, Kind.TERMINATE: signal.SIGTERM, Kind.FREEZE: signal.SIGSTOP}

type Order = Callable[[Simulator, float], object]

# Of the outside world, for so many seconds. Some calls pass, as they do when one server of many is ill.
ORDERS: dict[Kind, Order] = {
    Kind.TELEGRAM_BUSY: lambda world, s: world.telegram.fail(
        status=429, retry_after=TELEGRAM_REST_S, for_seconds=s
    ),
    Kind.TELEGRAM_DOWN: lambda world, s: world.telegram.fail(status=502, probability=0.7, for_seconds=s),
    Kind.TELEGRAM_RESET: lambda world, s: world.telegram.fail("reset", probability=0.5, for_seconds=s),
    Kind.TELEGRAM_LOST: lambda world, s: world.telegram.fail("lost", probability=0.5, for_seconds=s),
    Kind.TELEGRAM_SILENT: lambda world, s: world.telegram.fail("lost_hang", probability=0.3, for_seconds=s),
    Kind.MODEL_OVERLOADED: lambda world, s: world.models.fail(status=529, for_seconds=s),
    Kind.MODEL_FAILING: lambda world, s: world.models.fail(status=500, probability=0.7, for_seconds=s),
    Kind.MODEL_SLOW: lambda world, s: world.models.fail("delay", seconds=MODEL_SLOW_S, for_seconds=s),
    Kind.MODEL_RESET: lambda world, s: world.models.fail("reset", probability=0.7, for_seconds=s),
}


class Missing(Exception):
    """Nobody is there to be struck: an earlier fault was quicker."""


class Havoc:
    def __init__(self, world: Simulator, khronos: Instance) -> None:
        self.world, self.khronos = world, khronos
        self._frozen: dict[int, psutil.Process] = {}

    def begin(self, fault: Fault) -> None:
        """Raises Missing."""
        if order := ORDERS.get(fault.kind):
            order(self.world, fault.lasts_s)
        elif fault.kind is Kind.FLUSH:
            self._flush()
        elif fault.target == EVERYTHING:
            for process in self.khronos.all_processes():
                with suppress(psutil.Error):
                    process.kill()
        else:
            self._signal(fault)

    def end(self, fault: Fault) -> None:
        """What the simulator was ordered ends by itself; who was frozen twice wakes when both are over."""
        process = self._frozen.pop(fault.number, None)
        if process is not None and process not in self._frozen.values():
            with suppress(psutil.Error):  # it was killed in its sleep
                process.send_signal(signal.SIGCONT)

    def _signal(self, fault: Fault) -> None:
        process = self._find(fault.target)
        try:
            process.send_signal(SIGNALS[fault.kind])
        except psutil.Error:
            raise Missing(fault.target) from None
        if fault.kind is Kind.FREEZE:
            self._frozen[fault.number] = process

    def _find(self, name: str) -> psutil.Process:
        """By pid and time of its start: after a kill, the number may be a stranger's."""
        parent, _, child = name.partition(".")
        with suppress(StopIteration, IndexError, psutil.Error):
            identity = next(entry.identity for entry in state.load(self.khronos.home) if entry.name == parent)
            if identity and (process := identity.process()):
                return process.children()[0] if child else process
        raise Missing(name)

    def _flush(self) -> None:
        try:
            with self.khronos.redis() as client:
                client.flushall()
        except redis.RedisError as error:
            raise Missing(type(error).__name__) from None
