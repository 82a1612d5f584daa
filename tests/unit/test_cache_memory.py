"""The first layer, with a clock from outside."""

from khronos.resilience.cache.memory import Memory


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def kept(memory: Memory, key: str, value: object, kept_s: float = 60.0) -> None:
    flight, is_mine = memory.join(key)
    assert is_mine
    memory.keep(key, flight, value, kept_s)
    memory.leave(key, flight)


def present(memory: Memory, keys: str) -> str:
    return "".join(key for key in keys if memory.find(key) is not None)


def test_value_lives_its_time_and_no_longer() -> None:
    clock = Clock()
    memory = Memory(10, 60.0, clock)
    kept(memory, "a", 1, 5.0)
    clock.now += 4.9
    assert present(memory, "a") == "a"
    clock.now += 0.1
    assert present(memory, "a") == ""
    assert memory.hits == 1


def test_least_recently_used_goes_first() -> None:
    memory = Memory(3, 60.0, Clock())
    for key in "abc":
        kept(memory, key, key)
    assert present(memory, "a") == "a"  # used
    kept(memory, "d", "d")
    assert present(memory, "abcd") == "acd"
    assert len(memory) == 3


def test_value_that_is_to_be_kept_for_no_time_is_not_kept() -> None:
    memory = Memory(10, 60.0, Clock())
    kept(memory, "a", 1, 0.0)
    assert len(memory) == 0


def test_nothing_is_kept_beyond_the_limit_neither_old_nor_new() -> None:
    clock = Clock()
    memory = Memory(10, 60.0, clock)
    kept(memory, "a", 1, 60.0)
    kept(memory, "b", 1, 1.0)
    memory.limit(2.0)
    kept(memory, "c", 1, 60.0)
    clock.now += 1.5
    assert present(memory, "abc") == "ac"
    clock.now += 0.5
    assert present(memory, "abc") == ""


def test_limit_that_is_lifted_does_not_prolong_what_it_has_shortened() -> None:
    clock = Clock()
    memory = Memory(10, 2.0, clock)
    kept(memory, "a", 1, 60.0)
    memory.limit(60.0)
    kept(memory, "b", 1, 60.0)
    clock.now += 2.0
    assert present(memory, "ab") == "b"


def test_pattern_forgets_what_it_matches_and_nothing_else() -> None:
    memory = Memory(10, 60.0, Clock())
    for key in ("channel:1", "channel:2", "contact:1"):
        kept(memory, key, key)
    memory.forget("channel:*")
    assert memory.find("channel:1") is memory.find("channel:2") is None
    assert memory.find("contact:1") is not None
    memory.forget("contact:1")
    assert len(memory) == 0


def test_flight_that_was_forgotten_on_its_way_brings_nothing_home() -> None:
    memory = Memory(10, 60.0, Clock())
    stale, _ = memory.join("channel:1")
    memory.forget("channel:*")
    fresh, is_mine = memory.join("channel:1")
    assert is_mine
    assert fresh is not stale
    memory.keep("channel:1", stale, "stale", 60.0)
    memory.leave("channel:1", stale)
    assert len(memory) == 0
    assert memory.join("channel:1") == (fresh, False)  # the stale one's end is not the fresh one's
    memory.keep("channel:1", fresh, "fresh", 60.0)
    memory.leave("channel:1", fresh)
    entry = memory.find("channel:1")
    assert entry is not None
    assert entry[0] == "fresh"


def test_who_comes_just_after_the_landing_finds_the_result() -> None:
    memory = Memory(10, 60.0, Clock())
    kept(memory, "a", 42)
    flight, is_mine = memory.join("a")
    assert not is_mine
    assert flight.wait(0)
    assert flight.result() == 42
