"""What breakers, limits and the lock take of the processor for one answered message."""

from bench.measure import Measure, Target, middle
from bench.site import site

TOLL_MS = Target(at_least=0.6, goal=0.4, less_is_better=True)
# All limits are on and none is reached.
WIDE = {
    "ANTHROPIC_REQUESTS_PER_MINUTE": "1000000",
    "ANTHROPIC_CONCURRENCY": "100",
    "TELEGRAM_SPACING_MS": "1",
    "TELEGRAM_PER_SECOND": "0",  # as with the default, where the distance alone keeps it
}


def run(quick: bool) -> list[Measure]:
    with site() as place:
        place.env |= WIDE
        rounds = [place.run("bench.inside", "bench.tolls") for _ in range(3 if quick else 5)]
    parts = {name: middle([each[name] for each in rounds]) for name in rounds[0]}
    total, alone = parts.pop("all"), parts.pop("alone")
    name = "breakers, limits and lock: CPU a message"
    return [
        Measure(f"{name}, a full agent", total, "ms", target=TOLL_MS, details=parts),
        Measure(f"{name}, one at a time", alone, "ms"),
    ]
