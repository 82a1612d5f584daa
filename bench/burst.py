"""Thirty people write for the first time, at the same moment, and the model takes its time."""

import time

from bench.answers import storm
from bench.instance import Instance
from bench.measure import Measure, Target, middle
from bench.simulator.remote import Remote

CHATS = 30
MODEL_S = 0.2
LAST_S = Target(at_least=1.5, goal=0.6, less_is_better=True)


def run(quick: bool) -> list[Measure]:
    rounds = 3 if quick else 7
    with Remote.spawn() as world, Instance(world) as khronos:
        world.call("models/think", seconds=MODEL_S)
        storm(world, CHATS, 1, "w")
        taken = []
        for number in range(rounds):
            time.sleep(0.5)  # everybody is at rest again
            first = 1_000_000 + number * 1000
            taken.append(storm(world, CHATS, 1, "abcdefg"[number], first_chat_id=first).seconds)
        del khronos
    details = {"rounds": taken}
    return [
        Measure(
            f"{CHATS} new chats at once, model {MODEL_S} s: last answer after", middle(taken), "s",
            target=LAST_S, details=details,
        )
    ]  # fmt: skip
