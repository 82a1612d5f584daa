"""A store that is away: the process keeps the limits alone, and the store is asked about once a second."""

import threading
from collections.abc import Sequence

import pytest

from khronos.resilience.limits import Claim, Limiter, MemoryStore, Seats, Spacing, Verdict, Window

CLAIMS = [Claim("bot", Spacing(35))]


class Moody(MemoryStore):
    """Fails, or takes its time, when told so; counts its calls."""

    def __init__(self) -> None:
        super().__init__(self.clock)
        self.seconds, self.calls = 0.0, 0
        self.fails, self.slow_s = False, 0.0
        self.opened = threading.Event()
        self.opened.set()

    def clock(self) -> float:
        return self.seconds

    def ask(self, token: str, claims: Sequence[Claim]) -> Verdict:
        self.calls += 1
        self.seconds += self.slow_s
        self.opened.wait(5)
        if self.fails:
            raise ConnectionError("away")
        return super().ask(token, claims)


@pytest.fixture
def store() -> Moody:
    return Moody()


@pytest.fixture
def limiter(store: Moody) -> Limiter:
    return Limiter(store, rest_s=1.0, slow_s=0.25, clock=store.clock)


def test_failure_keeps_the_limit_and_leaves_the_store_alone_for_a_second(
    store: Moody, limiter: Limiter
) -> None:
    store.fails = True
    verdicts = [limiter.ask(f"t{number}", CLAIMS) for number in range(100)]
    assert [verdict.granted for verdict in verdicts] == [True] + [False] * 99
    assert (store.calls, limiter.is_away) == (1, True)
    store.seconds += 0.999
    limiter.ask("x", CLAIMS)
    assert store.calls == 1
    store.seconds += 0.001
    limiter.ask("x", CLAIMS)
    assert store.calls == 2


def test_store_that_is_back_is_believed_at_once(store: Moody, limiter: Limiter) -> None:
    store.fails = True
    limiter.ask("a", CLAIMS)
    store.fails = False
    store.seconds += 1
    assert [limiter.ask(token, CLAIMS).granted for token in "ab"] == [True, False]
    assert not limiter.is_away


def test_slow_answer_is_taken_and_the_store_left_alone(store: Moody, limiter: Limiter) -> None:
    store.slow_s = 0.3
    limiter.ask("a", CLAIMS)
    assert limiter.is_away
    limiter.ask("b", CLAIMS)
    assert store.calls == 1


def test_one_thread_tries_whether_it_is_back(store: Moody, limiter: Limiter) -> None:
    store.fails = True
    limiter.ask("first", CLAIMS)
    store.seconds += 1
    store.opened.clear()
    passed = threading.Semaphore(0)

    def ask() -> None:
        limiter.ask("t", CLAIMS)
        passed.release()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert all(passed.acquire(timeout=2) for _ in range(7))
    store.opened.set()
    for thread in threads:
        thread.join()
    assert store.calls == 2


def test_trouble_is_said_once(store: Moody, limiter: Limiter, caplog: pytest.LogCaptureFixture) -> None:
    store.fails = True
    for _ in range(5):
        limiter.ask("a", CLAIMS)
        store.seconds += 1
    assert store.calls == 5
    assert [record.getMessage() for record in caplog.records] == [
        "limits: the store failed, this process keeps them alone"
    ]


def test_pause_holds_while_the_store_is_away_and_after_it_is_back(store: Moody, limiter: Limiter) -> None:
    store.fails = True
    limiter.ask("a", CLAIMS)
    limiter.pause("bot", 10)
    store.seconds += 0.5
    assert limiter.ask("b", CLAIMS).wait_s == 9.5
    store.fails = False
    store.seconds += 0.5
    assert limiter.ask("c", CLAIMS).wait_s == 9
    assert not limiter.is_away
    assert Limiter(store, clock=store.clock).ask("d", CLAIMS).wait_s == 9  # another process
    store.seconds += 9
    assert limiter.ask("b", CLAIMS).granted


def test_pause_that_the_store_knew_holds_when_it_goes_away(store: Moody, limiter: Limiter) -> None:
    limiter.pause("bot", 10)
    store.fails = True
    assert [limiter.ask(token, CLAIMS).wait_s for token in "ab"] == [10, 10]


def test_everything_else_is_kept_alone_as_well(store: Moody, limiter: Limiter) -> None:
    store.fails = True
    seats = [Claim("seats", Seats(1, 30))]
    assert [limiter.ask(token, seats).granted for token in "ab"] == [True, False]
    assert limiter.release("a") == ["b"]
    assert [limiter.hit("contact", Window(1, 60)).within for _ in range(2)] == [True, False]
    limiter.learn("bot", 1, 60)
    assert limiter.snapshot(["contact"])[0].refused == 1
    store.fails = False
    store.seconds += 1
    assert limiter.hit("contact", Window(1, 60)).within
