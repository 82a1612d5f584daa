"""Breakers and limits, as their shared store has them."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import Metric

from khronos.facts.gauges import gauges
from khronos.guards.breakers import breaker
from khronos.guards.limits import limiter
from khronos.guards.views import guarded_names, limited
from khronos.resilience.breakers.redis_store import STATES


def breakers() -> Iterator[Metric]:
    found = {name: breaker(name).snapshot() for name in guarded_names()}
    if any(snapshot.store_is_away for snapshot in found.values()):
        raise RuntimeError("the store of the breakers is away")
    states = {name: float(STATES.index(snapshot.state)) for name, snapshot in found.items()}
    yield gauges("khronos_circuit_breaker_state", "0 closed, 1 open, 2 half-open.", "name", states)


def limits() -> Iterator[Metric]:
    labels = {name: label for name, label, _ in limited()}
    usages = limiter().snapshot(list(labels))
    if limiter().is_away:
        raise RuntimeError("the store of the limits is away")
    waiting: Counter[str] = Counter(dict.fromkeys(labels.values(), 0))
    for usage in usages:
        waiting[labels[usage.name]] += usage.waiting
    yield gauges("khronos_limiter_waiting", "Who waits for a limit.", "limit", waiting)
