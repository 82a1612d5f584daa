"""Does an agent's memory stay flat? Storm after storm of strangers, and a look at it after each."""

import string
import time

from bench import system
from bench.answers import storm
from bench.instance import Instance
from bench.measure import Measure, Target
from bench.simulator.conversations import FIRST_CHAT_ID
from bench.simulator.remote import Remote

TURNS = 2000  # a storm
STORMS, QUICK_STORMS = 10, 4
WARM = 2  # storms until all that is made once is made: threads, statements, connections
REST_S = 2.0
GROWTH_MB = Target(at_least=15, goal=5, less_is_better=True)


def run(quick: bool) -> list[Measure]:
    storms = QUICK_STORMS if quick else STORMS
    with Remote.spawn() as world, Instance(world) as khronos:
        weights = []
        for number in range(storms):
            storm(
                world, TURNS, 1, string.ascii_lowercase[number], first_chat_id=FIRST_CHAT_ID + number * TURNS
            )
            time.sleep(REST_S)
            weights.append(round(system.memory(khronos)["agent"].rss))
    turns, growth = (storms - WARM) * TURNS, weights[-1] - weights[WARM - 1]
    details = {f"after each {TURNS}": weights}
    return [
        Measure(f"agent's RSS after {storms * TURNS:,} turns", weights[-1], "MB", details=details),
        Measure(f"its growth over the last {turns:,} turns", growth, "MB", target=GROWTH_MB),
    ]
