"""A store that failed is asked once a second."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from khronos.resilience.breakers import Away, Breaker, BreakerPolicy, MemoryStore, Resting
from khronos.resilience.breakers.store import Answer

POLICY = BreakerPolicy("model", timeout_s=30, opens_at=0.5, rest_s=60)


class Fickle(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.fails, self.hangs, self.asked, self.now = True, False, 0, 100.0
        self.asking, self.go_on = threading.Event(), threading.Event()

    def look(self, policy: BreakerPolicy) -> Answer:
        self.asked += 1
        self.asking.set()
        if self.hangs:
            self.go_on.wait(10)
        if self.fails:
            raise TimeoutError("no answer in time")
        return super().look(policy)


@pytest.fixture
def store() -> Fickle:
    return Fickle()


@pytest.fixture
def resting(store: Fickle) -> Resting:
    return Resting(store, rest_s=1.0, clock=lambda: store.now)


def test_store_that_failed_is_left_alone_for_a_second(store: Fickle, resting: Resting) -> None:
    for _ in range(100):
        with pytest.raises(Away):
            resting.look(POLICY)
        store.now += 0.05
    assert store.asked == 5


def test_reason_is_told(resting: Resting) -> None:
    with pytest.raises(Away, match="TimeoutError: no answer in time"):
        resting.look(POLICY)


def test_store_that_is_back_is_asked_each_time(store: Fickle, resting: Resting) -> None:
    with pytest.raises(Away):
        resting.look(POLICY)
    store.fails = False
    store.now += 1
    for _ in range(10):
        assert resting.look(POLICY).openings == 0
    assert store.asked == 11


def test_all_breakers_of_a_store_find_out_together(store: Fickle, resting: Resting) -> None:
    names = ("anthropic", "openai", "telegram")
    for name in names:
        breaker = Breaker(BreakerPolicy(name, timeout_s=5, opens_at=0.5, rest_s=9), resting)
        assert breaker.snapshot().store_is_away
    assert store.asked == 1


def test_one_thread_tries_whether_it_is_back_and_nobody_waits_for_it(store: Fickle, resting: Resting) -> None:
    with pytest.raises(Away):
        resting.look(POLICY)
    store.now += 1
    store.hangs = True
    store.asking.clear()
    with ThreadPoolExecutor(1) as pool:
        trying = pool.submit(resting.look, POLICY)
        assert store.asking.wait(5)
        for _ in range(8):
            with pytest.raises(Away, match="a moment ago"):
                resting.look(POLICY)
        assert not trying.done()
        store.go_on.set()
        with pytest.raises(Away, match="TimeoutError"):
            trying.result(5)
    assert store.asked == 2
