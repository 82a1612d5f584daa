"""The whole simulator, in a thread of its own: the one object that a test or a benchmark holds."""

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from bench.simulator.home import Home
from bench.simulator.models import Models
from bench.simulator.server import Server
from bench.simulator.telegram import Telegram

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
            }
        )
        try:
            await self._server.start(port)
            ready()
            await self._stop.wait()
        finally:
            await self.telegram.stop()
            await self._server.stop()
            self.home.leave()
