"""What the ledger and the budget take of the processor for one answer, and how soon a month is told."""

from bench.measure import Measure, Target, middle
from bench.site import site

LEDGER_MS = Target(at_least=0.2, goal=0.15, less_is_better=True)
MONTH_MS = Target(at_least=50, goal=20, less_is_better=True)


def run(quick: bool) -> list[Measure]:
    with site() as place:
        rounds = [place.run("bench.inside", "bench.ledgers") for _ in range(3 if quick else 5)]
    parts = {name: middle([each[name] for each in rounds]) for name in rounds[0]}
    return [
        Measure("ledger: CPU an answer", parts["ledger"], "ms", target=LEDGER_MS),
        Measure("ledger: CPU an answer, with a budget", parts["budget"], "ms"),
        Measure("ledger: a month of a million calls is told after", parts["month"], "ms", target=MONTH_MS),
    ]
