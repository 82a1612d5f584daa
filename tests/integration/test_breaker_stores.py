"""What a breaker's store must do: the same on the twin and on a real Valkey."""

from typing import Any, Protocol

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from khronos.resilience.breakers import BreakerPolicy, MemoryStore, RedisStore, State
from khronos.resilience.breakers.policy import BUCKETS
from khronos.resilience.breakers.store import Answer, Batch, Outcome, Store

POLICY = BreakerPolicy("model", timeout_s=30, opens_at=0.5, rest_s=60, least_calls=4)
KEY = "breaker:model"
TIMES = ("opened_at", "probe_at", "lease_end")


class Stage(Protocol):
    store: Store

    def elapse(self, seconds: float, policy: BreakerPolicy = POLICY) -> None: ...


class OnTwin:
    def __init__(self) -> None:
        self.now = 1_800_000_000.5
        self.store: Store = MemoryStore(lambda: self.now)

    def elapse(self, seconds: float, policy: BreakerPolicy = POLICY) -> None:
        self.now += seconds


class OnValkey:
    """Time passes by making older what is kept: in whole buckets."""

    def __init__(self, client: "redis.Redis") -> None:
        self.client: Any = client
        self.store: Store = RedisStore(client)

    def elapse(self, seconds: float, policy: BreakerPolicy = POLICY) -> None:
        key = f"breaker:{policy.name}"
        kept = {str(name, "ascii"): str(value, "ascii") for name, value in self.client.hgetall(key).items()}
        older = {name: str(int(kept[name]) - round(seconds * 1000)) for name in TIMES if kept.get(name)}
        older |= dict.fromkeys((name for name in kept if name.startswith("bucket")), "")
        for value in [value for name, value in kept.items() if name.startswith("bucket") and value]:
            number, counts = value.split(" ", 1)
            moved = int(number) - round(seconds * 1000 / policy.bucket_ms)
            older[f"bucket{moved % BUCKETS}"] = f"{moved} {counts}"
        if kept:
            self.client.hset(key, mapping=older)


@pytest.fixture(params=["twin", "valkey"])
def stage(request: pytest.FixtureRequest) -> Stage:
    return OnTwin() if request.param == "twin" else OnValkey(request.getfixturevalue("bus"))


def tell(stage: Stage, successes: int, failures: int, age_ms: int = 0) -> Answer:
    """A batch of the present era."""
    era = stage.store.look(POLICY).era
    return stage.store.report(POLICY, Batch(era, successes, age_ms, failures))


def ask(stage: Stage, token: str) -> Answer:
    return stage.store.report(POLICY, Batch(stage.store.look(POLICY).era), token)


def half_open(stage: Stage) -> None:
    stage.store.order(POLICY, State.OPEN, 0)


def test_breaker_that_was_never_used_is_closed(stage: Stage) -> None:
    assert stage.store.look(POLICY) == Answer(State.CLOSED, State.CLOSED, 0, 0, 0, 0, 0, 0, False, True)


@pytest.mark.parametrize(
    ("batches", "state"),
    [
        ([(0, 3)], State.CLOSED),  # too few to tell
        ([(0, 4)], State.OPEN),
        ([(3, 2)], State.CLOSED),  # 40 %
        ([(2, 2)], State.OPEN),  # 50 % is enough
        ([(100, 0), (0, 99)], State.CLOSED),
        ([(100, 0), (0, 99), (0, 1)], State.OPEN),
        ([(0, 3), (1, 0)], State.CLOSED),  # it answers just now: only a failure opens
        ([(0, 3), (1, 0), (0, 1)], State.OPEN),
        ([(0, 3), (4, 0)], State.CLOSED),
        ([(1, 1)] * 2, State.OPEN),  # a rate over the window, not failures in a row
        ([(0, 0)] * 9, State.CLOSED),
    ],
)
def test_opens_by_the_error_rate_of_enough_calls(
    stage: Stage, batches: list[tuple[int, int]], state: State
) -> None:
    answers = [tell(stage, *batch) for batch in batches]
    assert answers[-1].state is state
    assert answers[-1].is_admitted is (state is State.CLOSED)
    assert (answers[-1].calls, answers[-1].failures) == (
        sum(ok + failed for ok, failed in batches),
        sum(failed for _ok, failed in batches),
    )
    assert answers[-1].openings == (state is State.OPEN)


@pytest.mark.parametrize(("apart_s", "state"), [(8, State.OPEN), (10, State.CLOSED)])
def test_window_rolls(stage: Stage, apart_s: float, state: State) -> None:
    tell(stage, 0, 3)
    stage.elapse(apart_s)
    answer = tell(stage, 0, 1)
    assert (answer.state, answer.failures) == (state, 4 if state is State.OPEN else 1)


def test_old_successes_do_not_thin_out_new_failures(stage: Stage) -> None:
    assert tell(stage, 100, 4, age_ms=12_000).state is State.OPEN
    assert stage.store.look(POLICY).calls == 4


def test_successes_are_counted_when_they_were(stage: Stage) -> None:
    assert tell(stage, 4, 0, age_ms=8_000).calls == 4
    stage.elapse(4)
    assert stage.store.look(POLICY).calls == 0


def test_calls_of_an_earlier_era_do_not_count(stage: Stage) -> None:
    old = stage.store.look(POLICY).era
    stage.store.order(POLICY, State.OPEN, 60_000)
    stage.store.order(POLICY, State.CLOSED, 0)
    answer = stage.store.report(POLICY, Batch(old, failures=9))
    assert (answer.state, answer.calls, answer.openings) == (State.CLOSED, 0, 1)


def test_failures_while_it_is_open_prolong_nothing(stage: Stage) -> None:
    tell(stage, 0, 4)
    stage.elapse(50)
    answer = tell(stage, 0, 50)
    assert (answer.before, answer.state, answer.openings) == (State.OPEN, State.OPEN, 1)
    assert 9_000 < answer.wait_ms <= 10_000


def test_nobody_passes_before_the_rest_is_over(stage: Stage) -> None:
    tell(stage, 0, 4)
    stage.elapse(59)
    answer = ask(stage, "a")
    assert (answer.state, answer.is_admitted, answer.is_probing) == (State.OPEN, False, False)
    assert 0 < answer.wait_ms <= 1_000


def test_rest_is_followed_by_one_probe_at_a_time(stage: Stage) -> None:
    tell(stage, 0, 4)
    stage.elapse(61)
    assert stage.store.look(POLICY).state is State.HALF_OPEN
    first, *others = [ask(stage, token) for token in "abcd"]
    assert (first.before, first.state, first.is_admitted) == (State.OPEN, State.HALF_OPEN, True)
    assert [answer.is_admitted for answer in others] == [False] * 3
    assert [answer.before for answer in others] == [State.HALF_OPEN] * 3
    assert all(30_000 < answer.wait_ms <= 31_000 for answer in others)


def test_probe_that_succeeds_closes_with_an_empty_window(stage: Stage) -> None:
    tell(stage, 0, 4)
    half_open(stage)
    ask(stage, "a")
    answer = stage.store.settle(POLICY, "a", Outcome.SUCCESS)
    assert (answer.before, answer.state) == (State.HALF_OPEN, State.CLOSED)
    assert (answer.calls, answer.failures, answer.is_probing) == (0, 0, False)
    assert tell(stage, 0, 3).state is State.CLOSED  # it takes enough calls again
    assert tell(stage, 0, 1).openings == 2


def test_probe_that_fails_opens_for_another_rest(stage: Stage) -> None:
    tell(stage, 0, 4)
    stage.elapse(61)
    ask(stage, "a")
    answer = stage.store.settle(POLICY, "a", Outcome.FAILURE)
    assert (answer.before, answer.state, answer.openings) == (State.HALF_OPEN, State.OPEN, 2)
    assert (answer.calls, answer.failures) == (1, 1)
    assert answer.wait_ms == 60_000
    stage.elapse(59)
    assert not ask(stage, "b").is_admitted
    stage.elapse(2)
    assert ask(stage, "c").is_admitted


def test_void_probe_leaves_its_place_to_another(stage: Stage) -> None:
    half_open(stage)
    ask(stage, "a")
    answer = stage.store.settle(POLICY, "a", Outcome.VOID)
    assert (answer.before, answer.state, answer.is_probing) == (State.HALF_OPEN, State.HALF_OPEN, False)
    assert [ask(stage, token).is_admitted for token in "bc"] == [True, False]


def test_probe_that_says_nothing_loses_its_place_when_its_lease_ends(stage: Stage) -> None:
    half_open(stage)
    ask(stage, "a")
    stage.elapse(30)
    assert not ask(stage, "b").is_admitted
    stage.elapse(2)
    assert [ask(stage, token).is_admitted for token in "cd"] == [True, False]
    assert stage.store.settle(POLICY, "a", Outcome.SUCCESS).state is State.HALF_OPEN  # not its word any more
    assert stage.store.settle(POLICY, "c", Outcome.SUCCESS).state is State.CLOSED


def test_late_probe_still_counts_where_nobody_took_its_place(stage: Stage) -> None:
    half_open(stage)
    ask(stage, "a")
    stage.elapse(40)
    assert stage.store.settle(POLICY, "a", Outcome.SUCCESS).state is State.CLOSED


def test_prober_whose_answer_was_lost_may_ask_again(stage: Stage) -> None:
    half_open(stage)
    assert [ask(stage, token).is_admitted for token in "aab"] == [True, True, False]


def test_verdict_is_given_once(stage: Stage) -> None:
    half_open(stage)
    ask(stage, "a")
    stage.store.settle(POLICY, "a", Outcome.SUCCESS)
    again = stage.store.settle(POLICY, "a", Outcome.FAILURE)
    assert (again.before, again.state, again.calls) == (State.CLOSED, State.CLOSED, 0)


def test_operator_opens_for_as_long_as_wished_and_closes_at_once(stage: Stage) -> None:
    opened = stage.store.order(POLICY, State.OPEN, 3_600_000)
    assert (opened.before, opened.state, opened.wait_ms) == (State.CLOSED, State.OPEN, 3_600_000)
    stage.elapse(3_000)
    again = stage.store.order(POLICY, State.OPEN, 3_600_000)
    assert (again.before, again.state, again.openings) == (State.OPEN, State.OPEN, 1)
    closed = stage.store.order(POLICY, State.CLOSED, 0)
    assert (closed.before, closed.state) == (State.OPEN, State.CLOSED)
    assert ask(stage, "a").is_admitted


def test_reset_takes_the_word_from_a_probe(stage: Stage) -> None:
    half_open(stage)
    ask(stage, "a")
    stage.store.order(POLICY, State.CLOSED, 0)
    assert stage.store.settle(POLICY, "a", Outcome.FAILURE).state is State.CLOSED


def test_looking_changes_nothing(stage: Stage) -> None:
    half_open(stage)
    looks = [stage.store.look(POLICY) for _ in range(3)]
    assert looks[0] == looks[1] == looks[2]
    assert (looks[0].before, looks[0].state, looks[0].is_admitted) == (
        State.HALF_OPEN,
        State.HALF_OPEN,
        False,
    )
    assert ask(stage, "a").is_admitted


def test_breakers_do_not_share_a_window(stage: Stage) -> None:
    tell(stage, 0, 4)
    other = BreakerPolicy("other", timeout_s=5, opens_at=0.6, rest_s=30)
    assert stage.store.look(other).state is State.CLOSED
    assert stage.store.look(POLICY).state is State.OPEN


# A bucket of 1,000 s: what the test itself takes moves nothing over an edge.
SLOW = BreakerPolicy("slow", timeout_s=1_499, opens_at=0.4, rest_s=2_500, window_s=10_000, least_calls=3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("report"), st.integers(0, 3), st.integers(0, 3), st.integers(0, 11)),
        st.tuples(st.just("report of old"), st.integers(0, 3), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("ask"), st.integers(0, 1)),
        st.tuples(st.just("settle"), st.integers(0, 1), st.sampled_from(Outcome)),
        st.tuples(st.just("elapse"), st.integers(1, 12)),
        st.tuples(st.just("order"), st.just(State.OPEN), st.sampled_from([0, 1_500_000])),
        st.tuples(st.just("order"), st.just(State.CLOSED), st.just(0)),
        st.tuples(st.just("look")),
    ),
    max_size=40,
)  # fmt: skip


def play(stage: Stage, steps: list[tuple[object, ...]]) -> list[Answer]:
    answers = []
    for step in steps:
        era = stage.store.look(SLOW).era
        match step:
            case ("report", int(ok), int(failed), int(age)):
                answers.append(stage.store.report(SLOW, Batch(era, ok, age * 1_000_000, failed)))
            case ("report of old", int(ok), int(failed), _):
                answers.append(stage.store.report(SLOW, Batch(era - 1, ok, 0, failed)))
            case ("ask", token):
                answers.append(stage.store.report(SLOW, Batch(era), f"token {token}"))
            case ("settle", token, Outcome() as outcome):
                answers.append(stage.store.settle(SLOW, f"token {token}", outcome))
            case ("elapse", int(buckets)):
                stage.elapse(buckets * 1_000, SLOW)
            case ("order", State() as state, int(rest_ms)):
                answers.append(stage.store.order(SLOW, state, rest_ms))
            case _:
                answers.append(stage.store.look(SLOW))
    return answers


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(STEPS)
def test_twin_and_valkey_never_differ(bus: "redis.Redis", steps: list[tuple[object, ...]]) -> None:
    bus.delete("breaker:slow")
    twin, valkey = play(OnTwin(), steps), play(OnValkey(bus), steps)
    assert [comparable(answer) for answer in twin] == [comparable(answer) for answer in valkey]


def comparable(answer: Answer) -> tuple[object, ...]:
    """Waits to the minute, and no moment: their clocks are two."""
    return (
        answer.before, answer.state, answer.era, answer.calls, answer.failures, answer.openings,
        round(answer.wait_ms / 60_000), answer.opened_at_ms > 0, answer.is_probing, answer.is_admitted,
    )  # fmt: skip


def test_keys_expire_and_looking_makes_none(bus: "redis.Redis") -> None:
    store = RedisStore(bus)
    store.look(POLICY)
    store.report(POLICY, Batch(0), "a")
    assert bus.dbsize() == 0
    store.report(POLICY, Batch(0, successes=1))
    assert bus.keys() == [KEY.encode()]
    assert 0 < bus.pttl(KEY) <= 24 * 3600 * 1000
    store.order(POLICY, State.OPEN, 72 * 3600 * 1000)
    assert 72 * 3600 * 1000 < bus.pttl(KEY) <= 96 * 3600 * 1000  # not before its rest is over


def test_flushed_valkey_is_a_closed_breaker(bus: "redis.Redis") -> None:
    store = RedisStore(bus)
    store.order(POLICY, State.OPEN, 60_000)
    bus.flushall()
    bus.script_flush()
    assert store.look(POLICY).state is State.CLOSED


def test_client_may_decode_its_answers(valkey: str, bus: "redis.Redis") -> None:
    with redis.Redis.from_url(valkey, decode_responses=True, protocol=2) as client:
        assert RedisStore(client).order(POLICY, State.OPEN, 60_000).state is State.OPEN
    assert RedisStore(bus).look(POLICY).state is State.OPEN
