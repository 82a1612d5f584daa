"""Which keys were invalidated when, as a process knows it."""

import pytest

from khronos.resilience.cache.ledger import Ledger


@pytest.mark.parametrize(
    ("pattern", "key", "is_hit"),
    [
        ("channel:7", "channel:7", True),
        ("channel:7", "channel:77", False),
        ("channel:*", "channel:7", True),
        ("channel:*", "channel:", True),
        ("channel:*", "a channel:7", False),
        ("channel:?", "channel:7", True),
        ("channel:?", "channel:77", False),
        ("channel:[78]", "channel:8", True),
        ("channel:[78]", "channel:9", False),
        ("channel:[78]", "channel:[78]", True),  # a key may look like a pattern
        ("*", "anything\nat all", True),
        ("CHANNEL:*", "channel:7", False),
        ("a.c", "abc", False),
    ],
)
def test_pattern(pattern: str, key: str, is_hit: bool) -> None:
    ledger = Ledger()
    ledger.learn(5, 0, [(pattern, 5)])
    assert ledger.latest(key) == (5 if is_hit else 0)


def test_youngest_invalidation_counts_whatever_the_order_of_the_news() -> None:
    ledger = Ledger()
    ledger.learn(9, 0, [("a", 3), ("a*", 9)])
    ledger.learn(6, 0, [("a", 5), ("a*", 6)])
    assert (ledger.latest("a"), ledger.latest("ab"), ledger.latest("b")) == (9, 9, 0)
    assert ledger.known == 9


def test_what_is_older_than_the_list_counts_as_invalidated() -> None:
    ledger = Ledger()
    ledger.learn(9, 0, [("a", 3), ("b*", 4), ("c", 9)])
    ledger.learn(9, 4, [])
    assert (ledger.latest("a"), ledger.latest("bb"), ledger.latest("c"), ledger.latest("z")) == (4, 4, 9, 4)
