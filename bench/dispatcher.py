"""The dispatcher: events a second, each ending in its rung task, beside plain `delay()` in the same run."""

from typing import Any

from bench.measure import Measure, Target, middle
from bench.site import Site, site

RATE = Target(at_least=1000, goal=4000)


def run(quick: bool) -> list[Measure]:
    rounds, updates = (2, 2000) if quick else (3, 4000)
    with site() as place:
        said = [fill_and_drain(place, number, updates) for number in range(rounds)]

    def of(name: str) -> float:
        return middle([each[name] for each in said])

    details = {"cpu_ms": of("known_cpu_ms"), "rounds": [each["known"] for each in said]}
    return [
        Measure("dispatcher, chats it knows", of("known"), "events/s", target=RATE, details=details),
        Measure("dispatcher, all chats new", of("new"), "events/s", target=RATE),
        Measure("dispatcher: CPU an event", of("known_cpu_ms"), "ms"),
        Measure("    one process's delay()", of("delay"), "tasks/s"),
        Measure("    stream and one row each alone", of("bare"), "events/s"),
    ]


def fill_and_drain(place: Site, number: int, updates: int) -> Any:
    """In a process of its own, as the dispatcher has one."""
    return place.run(
        "bench.inside", "bench.drain", "--first", str((number + 1) * 1_000_000), "--updates", str(updates)
    )
