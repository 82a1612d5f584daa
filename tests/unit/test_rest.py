"""A store that failed is asked once a second."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from khronos.resilience.rest import Away, Rest


class Fickle:
    def __init__(self) -> None:
        self.fails, self.hangs, self.asked, self.now = True, False, 0, 100.0
        self.asking, self.go_on = threading.Event(), threading.Event()
        self.rest = Rest(rest_s=1.0, clock=lambda: self.now)

    def ask(self) -> int:
        return self.rest.ask(self._answer)

    def _answer(self) -> int:
        self.asked += 1
        self.asking.set()
        if self.hangs:
            self.go_on.wait(10)
        if self.fails:
            raise TimeoutError("no answer in time")
        return 42


@pytest.fixture
def store() -> Fickle:
    return Fickle()


def test_store_that_failed_is_left_alone_for_a_second(store: Fickle) -> None:
    for _ in range(100):
        with pytest.raises(Away):
            store.ask()
        store.now += 0.05
    assert store.asked == 5


def test_reason_is_told(store: Fickle) -> None:
    with pytest.raises(Away, match="TimeoutError: no answer in time"):
        store.ask()


def test_store_that_is_back_is_asked_each_time(store: Fickle) -> None:
    with pytest.raises(Away):
        store.ask()
    store.fails = False
    store.now += 1
    assert [store.ask() for _ in range(10)] == [42] * 10
    assert store.asked == 11


def test_one_thread_tries_whether_it_is_back_and_nobody_waits_for_it(store: Fickle) -> None:
    with pytest.raises(Away):
        store.ask()
    store.now += 1
    store.hangs = True
    store.asking.clear()
    with ThreadPoolExecutor(1) as pool:
        trying = pool.submit(store.ask)
        assert store.asking.wait(5)
        for _ in range(8):
            with pytest.raises(Away, match="a moment ago"):
                store.ask()
        assert not trying.done()
        store.go_on.set()
        with pytest.raises(Away, match="TimeoutError"):
            trying.result(5)
    assert store.asked == 2


def test_its_begin_and_its_end_are_news_once() -> None:
    rest = Rest(clock=lambda: 100.0)
    assert [rest.end(), rest.begin(), rest.begin(), rest.is_on] == [False, True, False, True]
    assert [rest.end(), rest.end(), rest.is_on] == [True, False, False]


def test_a_rest_that_is_cut_short_lets_one_try_at_once(store: Fickle) -> None:
    with pytest.raises(Away):
        store.ask()
    store.rest.cut_short()
    assert [store.rest.admits(), store.rest.admits()] == [True, False]
