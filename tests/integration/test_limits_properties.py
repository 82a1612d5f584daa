"""Whatever arrives, and whenever: what limits promise, and that the twin in memory answers as Valkey does."""

import random
from collections.abc import Callable
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from khronos.resilience.limits import Claim, Seats, Spacing, Window
from khronos.resilience.limits.policy import GRACE_MS
from tests.integration.limits_stage import STORES, Stage

BOT = Claim("bot", Spacing(35), shared=True)
BURST = Claim("burst", Window(4, 0.5), shared=True)
MODEL = Claim("model", Window(3, 2.5), shared=True, most_waiting=3)
SEATS = Claim("seats", Seats(2, lease_s=3), most_waiting=3)
CHATS = [Claim(f"chat:{number}", Spacing(1000)) for number in range(4)]

few = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
arrival_times = st.lists(st.integers(0, 3_000_000), min_size=1, max_size=40)
lateness = st.lists(st.integers(0, GRACE_MS * 1000), min_size=80, max_size=80)


@pytest.fixture(params=STORES)
def new_stage(request: pytest.FixtureRequest) -> Callable[[], Stage]:
    return lambda: Stage.on(request.param, lambda: emptied(request))


def emptied(request: pytest.FixtureRequest) -> "redis.Redis":
    client: redis.Redis = request.getfixturevalue("bus")
    client.flushall()
    return client


@few
@given(times=arrival_times)
def test_equal_claims_are_granted_in_order_of_asking_each_once(
    new_stage: Callable[[], Stage], times: list[int]
) -> None:
    times.sort()
    granted = new_stage().run(
        {f"t{number}": (at / 1_000_000, [BURST, BOT]) for number, at in enumerate(times)}
    )
    assert [token for token, _at in granted] == [f"t{number}" for number in range(len(times))]
    assert is_within(when(granted), 1, 0.035)
    assert is_within(when(granted), 4, 0.5)


@few
@given(times=arrival_times, chats=st.lists(st.sampled_from(CHATS), min_size=40, max_size=40))
def test_nobody_is_lost_and_no_budget_overdrawn(
    new_stage: Callable[[], Stage], times: list[int], chats: list[Claim]
) -> None:
    arrivals = {
        f"t{number}": (at / 1_000_000, [chats[number], MODEL, BOT]) for number, at in enumerate(times)
    }
    granted = new_stage().run(arrivals)
    assert sorted(token for token, _at in granted) == sorted(arrivals)
    assert is_within(when(granted), 3, 2.5)
    assert is_within(when(granted), 1, 0.035)
    for chat in CHATS:
        of_chat = [(token, at) for token, at in granted if arrivals[token][1][0] == chat]
        assert is_within(when(of_chat), 1, 1.0)


@few
@given(times=arrival_times, late=lateness)
def test_latecomers_overdraw_nothing_and_are_not_lost(
    new_stage: Callable[[], Stage], times: list[int], late: list[int]
) -> None:
    arrivals = {f"t{number}": (at / 1_000_000, [BURST, BOT]) for number, at in enumerate(times)}
    granted = new_stage().run(arrivals, late=late)
    assert sorted(token for token, _at in granted) == sorted(arrivals)
    assert is_within(when(granted), 1, 0.035)
    assert is_within(when(granted), 4, 0.5)


type Step = tuple[Any, ...]

TOKENS = [f"t{number}" for number in range(12)]
MENU = [
    [CHATS[0], BOT],
    [CHATS[1], BOT, BURST],
    [MODEL, CHATS[2]],
    [SEATS],
    [SEATS, MODEL],
    [MODEL, SEATS, BOT],
]
ask = st.tuples(st.just("ask"), st.sampled_from(TOKENS), st.sampled_from(MENU))
advance = st.tuples(st.just("advance"), st.sampled_from([1, 20_000, 35_000, 300_000, 999_999, 1_100_000]))
release = st.tuples(st.just("release"), st.sampled_from(TOKENS))
rarely = st.one_of(
    st.tuples(st.just("pause"), st.sampled_from(["bot", "seats", "model", "chat:1"]), st.integers(1, 900)),
    st.tuples(st.just("learn"), st.sampled_from(["model", "seats", "bot"]), st.integers(1, 5)),
    st.tuples(st.just("hit")),
    st.tuples(st.just("snapshot")),
)
kinds = st.sampled_from([ask] * 6 + [advance] * 2 + [release] * 2 + [rarely])
step = kinds.flatmap(lambda kind: kind)


def play(stage: Stage, steps: list[Step]) -> list[object]:
    limiter = stage.limiter
    answers: list[object] = []
    hands: dict[str, Callable[..., object]] = {
        "advance": lambda micros: stage.clock.advance(micros / 1_000_000),
        "ask": stage.limiter.ask,
        "release": limiter.release,
        "pause": lambda name, ms: limiter.pause(name, ms / 1000),
        "learn": lambda name, limit: limiter.learn(name, limit, 1.0),
        "hit": lambda: limiter.hit("contact", Window(2, 1)),
        "snapshot": lambda: limiter.snapshot(["bot", "model", "seats", "chat:1", "contact"]),
    }
    for name, *words in steps:
        answers.append((name, hands[name](*words)))
        assert not limiter.is_away
    return answers


@settings(few, max_examples=100)
@given(steps=st.lists(step, min_size=60, max_size=120))
def test_twin_answers_word_for_word_as_valkey(
    bus: "redis.Redis", monkeypatch: pytest.MonkeyPatch, steps: list[Step]
) -> None:
    bus.flushall()
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)
    assert play(Stage.on("memory", lambda: bus), steps) == play(Stage.on("redis", lambda: bus), steps)


def when(granted: list[tuple[str, float]]) -> list[float]:
    return [at for _token, at in granted]


def is_within(times: list[float], limit: int, period_s: float) -> bool:
    """Never more than the limit in a period, to the microsecond."""
    return all(
        later - earlier > period_s - 1e-6 for earlier, later in zip(times, times[limit:], strict=False)
    )
