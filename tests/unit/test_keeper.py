"""A keeper calls while a block lasts, in a thread that ends when it is told to."""

import gc
import threading
import weakref

from khronos.resilience.keeper import Keeper


def is_running(name: str) -> bool:
    return name in {thread.name for thread in threading.enumerate()}


class Held:
    def touch(self) -> None:
        """What a duty calls."""


def test_keeper_calls_until_the_block_ends() -> None:
    thrice = threading.Semaphore(0)
    with Keeper("test").keeping(thrice.release, every_s=0.01):
        for _ in range(3):
            assert thrice.acquire(timeout=5)


def test_keeper_survives_a_call_that_fails() -> None:
    called = threading.Semaphore(0)

    def fail() -> None:
        called.release()
        raise RuntimeError("not this time")

    with Keeper("test").keeping(fail, every_s=0.01):
        assert called.acquire(timeout=5)
        assert called.acquire(timeout=5)


def test_keeper_that_is_stopped_calls_nobody_and_can_begin_anew() -> None:
    keeper, called = Keeper("stopped"), threading.Event()
    keeper.once(called.set, after_s=0.05)
    with keeper.keeping(called.set, every_s=0.05):
        assert keeper.stop() == 2
        assert not is_running("stopped")
        assert not called.wait(0.2)
    keeper.once(called.set, after_s=0.0)
    assert called.wait(5)
    keeper.stop()


def test_keeper_that_is_stopped_in_a_call_ends_after_it() -> None:
    keeper, begun, may_end, calls = Keeper("stopped"), threading.Event(), threading.Event(), []

    def call() -> None:
        calls.append(1)
        begun.set()
        may_end.wait(5)

    with keeper.keeping(call, every_s=0.01, first_s=0.0):
        assert begun.wait(5)
        threading.Timer(0.05, may_end.set).start()
        keeper.stop()
        assert not is_running("stopped")
    assert calls == [1]


def test_what_is_over_keeps_nothing_alive() -> None:
    keeper, what = Keeper("forgetful"), Held()
    known = weakref.ref(what)
    with keeper.keeping(what.touch, every_s=60.0):
        pass
    del what
    gc.collect()
    assert known() is None
    keeper.stop()
