"""Who writes while things break: the same people again and again, steadily, and now and then all at once."""

import random
import string
from collections.abc import Iterator
from dataclasses import replace

from bench.simulator.conversations import Line, write

STEADY_TAG = "s"
RUSH_EVERY_S = 15.0
RUSH_SHARE = 0.5  # of the people
RUSH_LINES = 2  # of each, one on the heels of the other


def lines(seed: int, seconds: float, chats: int, rate: float) -> list[Line]:
    """In the order in which they are said. `rate` is that of the steady ones, a second."""
    each = max(1, round(rate * seconds / chats))
    steady = write(chats, each, arrival="random", rate=rate, seed=seed, tag=STEADY_TAG)
    return sorted(
        [*(line for line in steady if line.at < seconds), *rushes(seed, seconds, chats)],
        key=lambda line: line.at,
    )


def rushes(seed: int, seconds: float, chats: int) -> Iterator[Line]:
    chance = random.Random(seed)
    for number in range(int(seconds / RUSH_EVERY_S)):
        at = RUSH_EVERY_S * (number + chance.random())
        crowd = max(1, round(chats * RUSH_SHARE))
        for line in write(crowd, RUSH_LINES, seed=seed + number, tag=letters(number)):
            yield replace(line, at=at)


def letters(number: int) -> str:
    """A tag of its own for each rush, so that no marker is said twice."""
    high, low = divmod(number, 26)
    return f"r{string.ascii_lowercase[high]}{string.ascii_lowercase[low]}"
