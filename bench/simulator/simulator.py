"""The whole simulator, in a thread of its own: the one object that a test or a benchmark holds."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self

from bench.simulator.control import Control
from bench.simulator.conversations import Line, Performance, perform
from bench.simulator.home import Home
from bench.simulator.models import Models
from bench.simulator.server import Server
from bench.simulator.telegram import Telegram
from bench.simulator.verdict import Verdict, judge

START_SECONDS = 10.0
STOP_SECONDS = 10.0


class Simulator:
    """Fake Telegram and fake models on one port of the loopback."""

    def __init__(self, seed: int = 0) -> None:
        self.home = Home()
        self.telegram = Telegram(self.home, seed)
        self.models = Models(self.home, seed)
        self._server: Server | None = None
        self._started = threading.Event()
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._errands: set[asyncio.Task[None]] = set()
        self._thread: threading.Thread | None = None

    @classmethod
    def start(cls, port: int = 0, *, seed: int = 0) -> Self:
        """Start in a background thread; returns when it listens."""
        simulator = cls(seed)
        thread = threading.Thread(target=simulator._live, args=(port,), name="simulator", daemon=True)
        simulator._thread = thread
        thread.start()
        if not simulator._started.wait(START_SECONDS):
            raise TimeoutError("the simulator did not start")
        if simulator._failure is not None:
            raise simulator._failure
        return simulator

    def stop(self) -> None:
        """Idempotent. The ledgers stay readable."""
        self.request_stop()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def request_stop(self) -> None:
        """Begin to stop, without waiting for it; from any thread."""
        if self.home.loop is not None and self._stop is not None:
            self.home.loop.call_soon_threadsafe(self._stop.set)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def telegram_url(self) -> str:
        """For TELEGRAM_API_URL."""
        return self.url

    @property
    def anthropic_url(self) -> str:
        """For ANTHROPIC_BASE_URL."""
        return self.url

    @property
    def openai_url(self) -> str:
        """For OPENAI_BASE_URL."""
        return f"{self.url}/v1"

    def wait_until(self, predicate: Callable[[], object], timeout: float = 10.0) -> bool:
        """Wait for something to be true of the ledgers and screens; looked at after each change."""
        return self.home.wait_until(predicate, timeout)

    def play(self, lines: list[Line], *, token: str | None = None) -> Performance:
        """Have a plan of `conversations.write` carried out; returns at once."""
        performance = Performance(len(lines))
        self.home.run(lambda: self._begin(perform(self.telegram, lines, performance, token)))
        return performance

    def verdict(self) -> Verdict:
        """Judge everything said so far."""
        return self.home.run(self._judge)

    def _begin(self, errand: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    def _judge(self) -> Verdict:
        return judge(self.telegram.updates(), self.telegram.screens())

    def go_down(self) -> None:
        """Refuse connections, as a server that is not running, until `come_back`."""
        assert self._server is not None
        self.home.run_to_end(self._server.refuse())

    def come_back(self) -> None:
        assert self._server is not None
        self.home.run_to_end(self._server.listen())

    def stats(self) -> dict[str, object]:
        """The ledgers in a few numbers."""
        return self.home.run(self._count)

    def _count(self) -> dict[str, object]:
        telegram, models = self.telegram, self.models
        return {
            "calls": Counter(f"{call.method} {call.outcome}" for call in telegram.ledger.calls),
            "updates": Counter(update.state for update in telegram.ledger.updates),
            "violations": telegram.ledger.violations,
            "models": Counter(f"{call.provider} {call.outcome}" for call in models.ledger),
            "models_load": models.loads,
        }

    def reset(self) -> None:
        """Forget everything but bots, webhooks and keys."""
        self.telegram.reset()
        self.models.reset()

    def heal(self) -> None:
        """End all faults, everywhere."""
        self.telegram.heal()
        self.models.heal()

    def _live(self, port: int) -> None:
        try:
            asyncio.run(self.serve(port, ready=self._started.set))
        except BaseException as error:  # the starting thread raises it
            self._failure = error
        finally:
            self._started.set()

    async def serve(self, port: int, ready: Callable[[], None]) -> None:
        """Serve in the running loop until stopped."""
        self.home.enter()
        self._stop = asyncio.Event()
        self._server = Server(
            {
                "/bot": self.telegram.gate.answer,
                "/v1/": self.models.gate.answer,
                "/file/bot": self.telegram.gate.download,
                "/_sim/": Control(self).answer,
            }
        )
        try:
            await self._server.start(port)
            ready()
            await self._stop.wait()
        finally:
            for errand in self._errands:
                errand.cancel()
            await self.telegram.stop()
            await self._server.stop()
            self.home.leave()
