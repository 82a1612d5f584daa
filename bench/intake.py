"""Durable intake: acknowledged updates a second, against a view that stores nothing."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from bench.measure import Measure, Target, middle
from bench.processes import cpu_s
from bench.site import Site, postgresql, site

CONNECTIONS = 32
RATIO = Target(at_least=0.25, goal=0.5)
P99_MS = Target(at_least=100, goal=50, less_is_better=True)

type Round = dict[str, Any]


@dataclass(slots=True)
class Server:
    """A running web server, and what each round over it showed."""

    site: Site
    pid: int
    port: int
    rounds: list[Round]

    def measure(self, number: int, seconds: float) -> None:
        before = cpu_s(self.pid)
        said = self.site.run(
            "bench.load",
            *("--port", str(self.port), "--first", str(number * 10_000_000), "--seconds", str(seconds)),
            *("--connections", str(CONNECTIONS)),
        )
        if set(said["statuses"]) != {"200"}:
            raise RuntimeError(f"not every request was answered 200: {said['statuses']}")
        said["rate"] = said["requests"] / said["seconds"]
        said["cpu_ms"] = (cpu_s(self.pid) - before) * 1000 / said["requests"]
        self.rounds.append(said)

    def middle(self, name: str) -> float:
        return middle([each[name] for each in self.rounds])


def run(quick: bool) -> list[Measure]:
    rounds, seconds = (3, 1.0) if quick else (5, 1.5)
    return [measure for name in ("SQLite", "PostgreSQL") for measure in over(name, rounds, seconds)]


def over(database: str, rounds: int, seconds: float) -> Iterator[Measure]:
    with ExitStack() as stack:
        place = stack.enter_context(
            site(stack.enter_context(postgresql()) if database == "PostgreSQL" else "")
        )
        ours = Server(place, *stack.enter_context(place.web("khronos.wsgi:application")), [])
        bare = Server(place, *stack.enter_context(place.web("bench.reference:application")), [])
        for server in (ours, bare):
            server.measure(1, 0.5)  # warm up
            server.rounds.clear()
        for number in range(2, rounds + 2):
            for server in (ours, bare):
                server.measure(number, seconds)
    details: dict[str, object] = {name: ours.middle(name) for name in ("cpu_ms", "client_cpu_s", "p50_ms")}
    details["rounds"] = [each["rate"] for each in ours.rounds]
    yield Measure(
        f"intake, {database}", ours.middle("rate"), "req/s",
        bare.middle("rate"), "view that stores nothing", RATIO, details,
    )  # fmt: skip
    yield Measure(f"intake, {database}: p99", ours.middle("p99_ms"), "ms", target=P99_MS)
    yield Measure(
        f"intake, {database}: CPU a request", ours.middle("cpu_ms"), "ms", bare.middle("cpu_ms"), "ms"
    )
