"""Breakers and limits, as their shared store has them."""

from collections import Counter
from collections.abc import Iterator

from django.conf import settings
from prometheus_client import Metric

from khronos.channels import transport_of
from khronos.facts.gauges import gauges
from khronos.guards.breakers import breaker
from khronos.guards.limits import claims_of, limiter
from khronos.guards.views import guarded_names
from khronos.models import Channel
from khronos.resilience.breakers.redis_store import STATES


def breakers() -> Iterator[Metric]:
    found = {name: breaker(name).snapshot() for name in guarded_names()}
    if any(snapshot.store_is_away for snapshot in found.values()):
        raise RuntimeError("the store of the breakers is away")
    states = {name: float(STATES.index(snapshot.state)) for name, snapshot in found.items()}
    yield gauges("khronos_circuit_breaker_state", "0 closed, 1 open, 2 half-open.", "name", states)


def limits() -> Iterator[Metric]:
    labels = dict(limited())
    usages = limiter().snapshot(list(labels))
    if limiter().is_away:
        raise RuntimeError("the store of the limits is away")
    waiting: Counter[str] = Counter(dict.fromkeys(labels.values(), 0))
    for usage in usages:
        waiting[labels[usage.name]] += usage.waiting
    yield gauges("khronos_limiter_waiting", "Who waits for a limit.", "limit", waiting)


def limited() -> Iterator[tuple[str, str]]:
    """Names of limits, and what they are called here: a bot's own number is nobody's business."""
    for provider in settings.BREAKERS:
        yield from ((claim.name, claim.name) for claim in claims_of(provider))
    for channel in Channel.objects.listening().exclude(token=""):
        claims = transport_of(channel).claims("", "private", edits=True)
        yield from ((claim.name, f"{channel.kind}:{channel.slug}") for claim in claims)
