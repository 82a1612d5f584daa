"""How breakers, limits, caches and pools stand: for operators and machines with the token."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import wraps

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from khronos.bus.connection import patient, quick
from khronos.channels import transport_of
from khronos.guards import caches
from khronos.guards.breakers import ONE_EACH, breaker
from khronos.guards.limits import claims_of, limit_of, limiter, usages_of
from khronos.models import Channel, HttpTool
from khronos.observability.views import answer, is_operator, turned_away
from khronos.resilience.pools import PoolStats, of_psycopg, of_redis

type Stand = Callable[[], dict[str, object]]


def operators_only(
    stand: Stand, admits: Callable[[HttpRequest], bool] = is_operator
) -> Callable[[HttpRequest], JsonResponse]:
    @require_safe
    @wraps(stand)
    def view(request: HttpRequest) -> JsonResponse:
        return turned_away(request, admits) or answer(stand())

    return view


@operators_only
def breakers_status() -> dict[str, object]:
    return {name: asdict(breaker(name).snapshot()) for name in guarded_names()}


@operators_only
def limiter_stats() -> dict[str, object]:
    usages = usages_of({name: limit for name, _, limit in limited()})
    return {"store_is_away": limiter().is_away, "limits": {usage.name: asdict(usage) for usage in usages}}


@operators_only
def cache_stats() -> dict[str, object]:
    """Of this process."""
    return {name: asdict(stats) for name, stats in caches.stats().items()}


@operators_only
def pool_stats() -> dict[str, object]:
    """Of this process."""
    return pools()


def pools() -> dict[str, object]:
    found = {
        "redis.quick": of_redis(quick().connection_pool),
        "redis.patient": of_redis(patient().connection_pool),
    }
    if database := database_pool():
        found["database"] = database
    return {name: asdict(stats) for name, stats in found.items()}


def database_pool() -> PoolStats | None:
    """SQLite has none: each thread opens the file for itself."""
    pool = getattr(connection, "pool", None) if connection.vendor == "postgresql" else None
    return of_psycopg(pool.get_stats()) if pool else None


def guarded_names() -> Iterator[str]:
    yield from (name for name in settings.BREAKERS if name not in ONE_EACH)
    callbacks = Channel.objects.listening().exclude(callback_url="")
    yield from dict.fromkeys(transport_of(channel).guard for channel in callbacks)
    yield from (tool.guard for tool in HttpTool.objects.filter(is_active=True).order_by("pk"))


def limited() -> Iterator[tuple[str, str, int]]:
    """Names of limits, what others call them (a bot's number is nobody's business), how much they allow."""
    for provider in settings.BREAKERS:
        yield from ((claim.name, claim.name, limit_of(claim)) for claim in claims_of(provider))
    for channel in Channel.objects.listening().exclude(token=""):
        claims = transport_of(channel).claims("", "private", edits=True)
        yield from ((claim.name, f"{channel.kind}:{channel.slug}", limit_of(claim)) for claim in claims)
