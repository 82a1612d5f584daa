"""What has a database is marked by itself: `python -m tests.postgresql` runs that once more, and no more."""

import pytest


def is_marked(request: pytest.FixtureRequest) -> bool:
    return request.node.get_closest_marker("database") is not None


def test_who_asks_for_a_database_has_one(request: pytest.FixtureRequest, db: None) -> None:
    assert is_marked(request)


def test_who_asks_for_what_stands_in_a_database_has_one(
    request: pytest.FixtureRequest, telegram: object
) -> None:
    assert is_marked(request)


@pytest.mark.django_db(transaction=True)
def test_who_is_marked_by_hand_has_one(request: pytest.FixtureRequest) -> None:
    assert is_marked(request)


def test_nobody_else_has_one(request: pytest.FixtureRequest, bus: object) -> None:
    assert not is_marked(request)
