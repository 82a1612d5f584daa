"""Limits of outside services: ask before a call, be told when to come back (docs/resilience.md)."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache

from django.conf import settings

from khronos.bus.connection import quick
from khronos.exceptions import Refused, Throttled
from khronos.resilience.limits import (
    Claim,
    Count,
    Limiter,
    RedisStore,
    Seats,
    Spacing,
    Usage,
    Window,
    terms,
)

SEAT_MARGIN_S = 5.0  # a seat's lease beyond the longest call

AS_OFTEN = "is asked as often as it may be"
BUSY_S = 30.0  # until what is no answer asks again
PAUSE_S = 2.0  # for a 429 that names no time

_learned: dict[str, tuple[int, float]] = {}

type Wake = Callable[[Sequence[str]], None]


class Full(Refused):
    """A limit is reached; whoever asked has a place in the line."""

    def __init__(self, reason: str, retry_after: float, *, is_sure: bool) -> None:
        super().__init__(reason, retry_after)
        self.is_sure = is_sure  # when it comes; who waits for a seat may be woken much earlier


@cache
def limiter() -> Limiter:
    return Limiter(RedisStore(quick()))


@contextmanager
def seat(provider: str, token: str, wake: Wake, *, for_answers: bool = True) -> Iterator[None]:
    """Raises Full with the time to come back. `wake` gets the tokens whose turn it is.

    What is no answer takes nothing that an answer may want in a moment, and stands in no line.
    """
    claims = claims_of(provider)
    if not claims:
        yield
        return
    if not for_answers:
        claims = [replace(claim, most_waiting=0) for claim in claims]
        if not has_plenty(claims):
            raise Full(f"{provider} is busy with answers", BUSY_S, is_sure=False)
    verdict = limiter().ask(token, claims)
    wake(verdict.wake)
    if not verdict.granted:
        is_sure = verdict.blocked_by == requests_of(provider)
        raise Full(f"{provider} {AS_OFTEN}", verdict.wait_s, is_sure=is_sure)
    try:
        yield
    finally:
        wake(limiter().release(token))


def has_plenty(claims: Sequence[Claim]) -> bool:
    """Nobody waits, and with one more of us there is still room for another."""
    usages = limiter().snapshot([claim.name for claim in claims])
    return not any(
        usage.waiting or usage.paused_s or usage.used + 2 > room_of(claim, usage)
        for claim, usage in zip(claims, usages, strict=True)
    )


def room_of(claim: Claim, usage: Usage) -> float:
    """Of a minute's calls half are kept for answers."""
    limit = 1 if isinstance(claim.policy, Spacing) else usage.learned or claim.policy.limit
    return limit / 2 if isinstance(claim.policy, Window) else limit


def claims_of(provider: str) -> list[Claim]:
    claims = []
    if a_minute := settings.PROVIDER_REQUESTS_PER_MINUTE.get(provider, 0):
        window = Window(a_minute, 60.0)
        claims.append(Claim(requests_of(provider), window, shared=True, most_waiting=settings.MOST_WAITING))
    if a_second := settings.PROVIDER_REQUESTS_PER_SECOND.get(provider, 0):
        window = Window(a_second, 1.0)
        claims.append(Claim(requests_of(provider), window, shared=True, most_waiting=settings.MOST_WAITING))
    if at_once := settings.PROVIDER_CONCURRENCY.get(provider, 0):
        lease_s = (
            settings.BREAKERS[provider]["timeout_s"] + settings.PROVIDER_CONNECT_TIMEOUT_S + SEAT_MARGIN_S
        )
        claims.append(Claim(f"{provider}:seats", Seats(at_once, lease_s), most_waiting=settings.MOST_WAITING))
    return claims


def limit_of(claim: Claim) -> int:
    return terms(claim.policy)[1]


def usages_of(limits: Mapping[str, int]) -> list[Usage]:
    """What was not asked for lately is as we have set it."""
    usages = limiter().snapshot(list(limits))
    return [replace(usage, limit=usage.limit or limits[usage.name]) for usage in usages]


def requests_of(provider: str) -> str:
    return f"{provider}:requests"


def slow_down(provider: str, seconds: float | None) -> None:
    """It says that it is asked too often: nobody asks until then."""
    if claims := claims_of(provider):
        limiter().pause(claims[0].name, seconds or PAUSE_S)


def heed(budget: str, error: Exception) -> None:
    """A channel's 429 is for the whole bot, not for this chat alone; without a budget nobody else waits."""
    if budget and isinstance(error, Throttled):
        limiter().pause(budget, error.retry_after or PAUSE_S)


def learn(provider: str, requests_per_minute: int) -> None:
    """What the provider says of itself counts more than a default; a number that was chosen is a ceiling."""
    ours = settings.PROVIDER_REQUESTS_PER_MINUTE.get(provider, 0)
    allowed = min(ours, requests_per_minute) if provider in settings.CHOSEN_CEILINGS else requests_per_minute
    known, until = _learned.get(provider, (ours, float("inf")))
    if not ours or (allowed == known and time.monotonic() < until):
        return
    _learned[provider] = allowed, time.monotonic() + settings.LEARNED_FOR_S / 2
    limiter().learn(requests_of(provider), allowed, settings.LEARNED_FOR_S)


def counted(name: str, a_minute: int) -> Count:
    """One more of a caller; 0 a minute is no limit."""
    return limiter().hit(name, Window(a_minute, 60.0)) if a_minute else Count(within=True)
