"""What eyes and ears cost: OBSERVABILITY on and off, side by side in one run."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

from bench import system
from bench.answers import spent_idle, storm
from bench.instance import Instance
from bench.intake import Server
from bench.measure import Measure, Target, middle
from bench.simulator.remote import Remote
from bench.site import site

RATIO = Target(at_least=0.9, goal=0.95)
MORE_MS = Target(at_least=0.5, goal=0.3, less_is_better=True)
SWITCH = {"on": "true", "off": "false"}
CHATS, MESSAGES = 250, 8
TWINS = 2


def run(quick: bool) -> list[Measure]:
    return [*intake(5 if quick else 9, 1.0), *answers(2 if quick else 4, 125 if quick else CHATS)]


def intake(rounds: int, seconds: float) -> Iterator[Measure]:
    """Twins of each kind: two servers of one kind may differ by as much as eyes and ears cost."""
    with ExitStack() as stack:
        place = stack.enter_context(site())
        servers: list[tuple[str, Server]] = []
        for name, switch in [*SWITCH.items()] * TWINS:
            place.env["OBSERVABILITY"] = switch
            found = stack.enter_context(place.web("khronos.wsgi:application"))
            servers.append((name, Server(place, *found, [])))
        for number in range(rounds + 1):
            for at, (_, server) in enumerate(servers):
                server.measure(len(servers) * number + at + 1, seconds)
    seen = {name: [each for kind, it in servers if kind == name for each in it.rounds[1:]] for name in SWITCH}
    rates, costs = ({name: [each[key] for each in seen[name]] for name in seen} for key in ("rate", "cpu_ms"))
    yield Measure(
        "intake, observed", middle(rates["on"]), "req/s", middle(rates["off"]), "unobserved", RATIO, rates
    )
    yield Measure(
        "intake, observed: CPU a request", middle(costs["on"]), "ms", middle(costs["off"]), "off", None, costs
    )


def answers(rounds: int, chats: int) -> Iterator[Measure]:
    """Two instances in two worlds, one at work while the other rests."""
    with ExitStack() as stack:
        stages = {}
        for name, switch in SWITCH.items():
            world = stack.enter_context(Remote.spawn())
            khronos = stack.enter_context(Instance(world, env={"OBSERVABILITY": switch}))
            storm(world, 20, 2, "w")  # warm up
            stages[name] = (khronos, world, spent_idle(khronos))
        costs: dict[str, list[float]] = {name: [] for name in stages}
        for number in range(rounds):
            for name, stage in stages.items():
                costs[name].append(cost_ms(*stage, chats, "abcdefgh"[number]))
    on, off = middle(costs["on"]), middle(costs["off"])
    yield Measure(
        "CPU more for an answered message, observed", on - off, "ms",
        target=MORE_MS, details={"on": on, "off": off, "rounds": costs},
    )  # fmt: skip


def cost_ms(khronos: Instance, world: Remote, idle: dict[str, float], chats: int, tag: str) -> float:
    """Processor time of all its processes for one message, beyond what they take at rest."""
    before, began = system.cpu(khronos), time.monotonic()
    storm(world, chats, MESSAGES, f"{tag}x")
    spent, lasted = system.spent(before, system.cpu(khronos)), time.monotonic() - began
    rest = sum(idle.get(name, 0.0) for name in spent) * lasted
    return (sum(spent.values()) - rest) * 1000 / (chats * MESSAGES)
