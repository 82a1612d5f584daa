"""A store that fails is left alone for a while, and is told later what it could not hear."""

from collections.abc import Callable

import pytest

from khronos.resilience.cache import MemoryStore, StoreAway
from khronos.resilience.cache.guard import MOST_DEBTS, GuardedStore
from khronos.resilience.cache.store import Look, StoreResting


class FlakyStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.is_away = False
        self.asked = 0
        self.heard: list[tuple[str, str]] = []

    def look(self, cache: str, key: str, token: str, lease_s: float) -> Look:
        self._answer()
        return super().look(cache, key, token, lease_s)

    def invalidate(self, cache: str, pattern: str, origin: str) -> None:
        self._answer()
        self.heard.append((cache, pattern))
        super().invalidate(cache, pattern, origin)

    def _answer(self) -> None:
        self.asked += 1
        if self.is_away:
            raise StoreAway("gone")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> FlakyStore:
    return FlakyStore()


@pytest.fixture
def guarded(store: FlakyStore, clock: Clock) -> GuardedStore:
    return GuardedStore(store, 1.0, clock)


def look(guarded: GuardedStore, key: str = "a") -> Look:
    return guarded.look("names", key, "token", 5.0)


def fails(call: Callable[[], object], error: type[StoreAway]) -> bool:
    with pytest.raises(StoreAway) as raised:
        call()
    return raised.type is error


def test_store_that_failed_is_not_asked_for_a_second(
    guarded: GuardedStore, store: FlakyStore, clock: Clock
) -> None:
    store.is_away = True
    assert fails(lambda: look(guarded), StoreAway)
    for _ in range(1000):
        assert fails(lambda: look(guarded), StoreResting)
    clock.now += 0.99
    assert fails(lambda: look(guarded), StoreResting)
    assert store.asked == 1
    clock.now += 0.01
    assert fails(lambda: look(guarded), StoreAway)
    assert fails(lambda: look(guarded), StoreResting)
    assert store.asked == 2


def test_after_the_rest_one_tries_while_the_others_go_on_without(
    store: FlakyStore, guarded: GuardedStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.is_away = True
    assert fails(lambda: look(guarded), StoreAway)
    clock.now += 1.0

    def answer() -> None:
        assert fails(lambda: look(guarded), StoreResting)  # somebody else, while the one is waiting

    monkeypatch.setattr(store, "_answer", answer)
    assert look(guarded).is_mine
    monkeypatch.undo()
    store.is_away = False
    assert look(guarded).is_mine


def test_store_that_is_back_is_asked_by_all(guarded: GuardedStore, store: FlakyStore, clock: Clock) -> None:
    store.is_away = True
    assert fails(lambda: look(guarded), StoreAway)
    store.is_away = False
    clock.now += 1.0
    for _ in range(10):
        assert look(guarded).is_mine
    assert store.asked == 11


def test_invalidation_that_could_not_be_told_is_told_before_anything_is_read(
    guarded: GuardedStore, store: FlakyStore, clock: Clock
) -> None:
    seen = look(guarded)
    guarded.put("names", "a", b"old", generation=seen.generation, kept_s=60.0, token="token")
    store.is_away = True
    assert fails(lambda: guarded.invalidate("names", "a"), StoreAway)
    assert fails(lambda: guarded.invalidate("names", "b*"), StoreResting)
    store.is_away = False
    clock.now += 1.0
    assert look(guarded).payload is None
    assert store.heard == [("names", "a"), ("names", "b*")]
    assert look(guarded).payload is None
    assert len(store.heard) == 2


def test_debt_stays_while_the_store_is_away(guarded: GuardedStore, store: FlakyStore, clock: Clock) -> None:
    store.is_away = True
    assert fails(lambda: guarded.invalidate("names", "a"), StoreAway)
    clock.now += 1.0
    assert fails(guarded.pay_debts, StoreAway)
    store.is_away = False
    clock.now += 1.0
    guarded.pay_debts()
    guarded.pay_debts()
    assert store.heard == [("names", "a")]


def test_debt_that_is_owed_again_while_it_is_paid_is_paid_again(
    guarded: GuardedStore, store: FlakyStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.is_away = True
    assert fails(lambda: guarded.invalidate("names", "a"), StoreAway)
    store.is_away = False
    clock.now += 1.0
    told = store.invalidate

    def tell(cache: str, pattern: str, origin: str) -> None:
        told(cache, pattern, origin)
        if len(store.heard) == 1:
            assert fails(lambda: guarded.invalidate("names", "a"), StoreResting)

    monkeypatch.setattr(store, "invalidate", tell)
    guarded.pay_debts()
    guarded.pay_debts()
    guarded.pay_debts()
    assert store.heard == [("names", "a")] * 2


def test_nobody_queues_up_behind_one_who_pays_a_debt(
    guarded: GuardedStore, store: FlakyStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = look(guarded)
    store.is_away = True
    assert fails(lambda: guarded.invalidate("names", "b"), StoreAway)
    store.is_away = False
    clock.now += 1.0
    guarded.put("names", "a", b"", generation=seen.generation, kept_s=60.0, token="token")  # it is back
    told = store.invalidate

    def tell(cache: str, pattern: str, origin: str) -> None:
        assert fails(lambda: look(guarded), StoreResting)
        told(cache, pattern, origin)

    monkeypatch.setattr(store, "invalidate", tell)
    assert look(guarded).payload == b""
    assert store.heard == [("names", "b")]


def test_lock_whose_owner_could_not_put_or_release_is_freed_when_the_store_is_back(
    guarded: GuardedStore, store: FlakyStore, clock: Clock
) -> None:
    put, released = look(guarded, "put"), look(guarded, "released")
    assert put.is_mine
    assert released.is_mine
    store.is_away = True
    assert fails(lambda: look(guarded, "c"), StoreAway)
    assert fails(
        lambda: guarded.put("names", "put", b"", generation=put.generation, kept_s=1.0, token="token"),
        StoreResting,
    )
    assert fails(lambda: guarded.release("names", "released", "token"), StoreResting)
    store.is_away = False
    assert not store.look("names", "put", "other", 5.0).is_mine
    clock.now += 1.0
    guarded.pay_debts()
    assert store.look("names", "put", "other", 5.0).is_mine
    assert store.look("names", "released", "other", 5.0).is_mine
    assert store.heard == []


def test_lock_that_was_taken_though_the_answer_never_came_is_freed(
    guarded: GuardedStore, store: FlakyStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def arrive(cache: str, key: str, token: str, lease_s: float) -> Look:
        MemoryStore.look(store, cache, key, token, lease_s)
        raise StoreAway("timeout")

    monkeypatch.setattr(store, "look", arrive)
    assert fails(lambda: look(guarded), StoreAway)
    monkeypatch.undo()
    assert not store.look("names", "a", "other", 5.0).is_mine
    clock.now += 1.0
    guarded.pay_debts()
    assert store.look("names", "a", "other", 5.0).is_mine


def test_store_that_was_seen_alive_is_asked_before_the_rest_is_over(
    guarded: GuardedStore, store: FlakyStore
) -> None:
    store.is_away = True
    assert fails(lambda: look(guarded), StoreAway)
    store.is_away = False
    assert fails(lambda: look(guarded), StoreResting)
    guarded.wake()
    assert look(guarded).is_mine


def test_too_many_debts_become_one_for_each_cache(
    guarded: GuardedStore, store: FlakyStore, clock: Clock
) -> None:
    store.is_away = True
    assert fails(lambda: guarded.look("locks", "a", "token", 5.0), StoreAway)
    for number in range(MOST_DEBTS):
        assert fails(
            lambda key=f"{number}": guarded.invalidate("names" if key != "7" else "others", key),  # type: ignore[misc]
            StoreResting,
        )
    store.is_away = False
    clock.now += 1.0
    guarded.pay_debts()
    assert sorted(store.heard) == [("names", "*"), ("others", "*")]


def test_each_guard_has_an_origin_of_its_own(store: FlakyStore, clock: Clock) -> None:
    assert GuardedStore(store, 1.0, clock).origin != GuardedStore(store, 1.0, clock).origin
