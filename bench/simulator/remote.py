"""A simulator in a process of its own, and the calls to it: a benchmark then shares no interpreter."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from types import TracebackType
from typing import Any, Self

CALL_SECONDS = 60.0
STOP_SECONDS = 10.0


class Remote:
    """`remote.call("telegram/say", chat_id=1, text="hi")` does what `sim.telegram.say(1, "hi")` does."""

    def __init__(self, url: str, process: subprocess.Popen[str] | None = None) -> None:
        self.url = url
        self._process = process

    @classmethod
    def spawn(cls, port: int = 0, *, seed: int = 0) -> Self:
        """Start one; the `with` block, or `stop`, ends it."""
        command = [sys.executable, "-m", "bench.simulator", "--port", str(port), "--seed", str(seed)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        ready = process.stdout.readline()
        if not ready:
            raise RuntimeError(f"the simulator did not start: exit code {process.wait()}")
        return cls(ready.split()[-1], process)

    def call(self, action: str, **arguments: Any) -> Any:
        body = json.dumps(arguments).encode()
        request = urllib.request.Request(f"{self.url}/_sim/{action}", data=body, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=CALL_SECONDS) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(json.load(error)["error"]) from None

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
