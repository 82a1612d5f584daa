"""What every question of `validate` needs to know: where this Khronos is, and how it is spoken to."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from khronos.launch import probes, state
from khronos.launch.home import Home
from khronos.observability.health import Amiss
from settings import dotenv

LOOK_S = 0.05
HTTP_S = 3.0


@dataclass(frozen=True)
class Scene:
    home: Home
    host: str
    port: int
    token: str
    language: str
    entries: list[state.Entry] = field(default_factory=list)

    @classmethod
    def here(cls, language: str) -> "Scene":
        home, known = Home.configured(), dotenv.merged()
        return cls(
            home,
            *probes.here(known),
            known.get("METRICS_TOKEN", ""),
            language,
            state.load(home),
        )

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def is_running(self) -> bool:
        """Here, or under something else that starts processes and left its web server at our address."""
        return state.supervisor(self.entries) is not None or self.get("/health")[0] != 0

    def get(self, path: str) -> tuple[int, bytes]:
        return probes.get(self.host, self.port, path, HTTP_S, Authorization=f"Bearer {self.token}")


def wait_until(is_done: Callable[[], bool], within_s: float, complaint: str) -> float:
    """Seconds it took. Processes tell nobody when they change, so it is looked for."""
    began = time.monotonic()
    while not is_done():
        if time.monotonic() - began > within_s:
            raise Amiss(complaint)
        time.sleep(LOOK_S)
    return time.monotonic() - began
