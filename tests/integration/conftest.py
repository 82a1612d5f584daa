"""Scenes that several files of tests share, and the broker that all of them have."""

import pytest

from tests.integration.alert_scene import alert_chat, wall

__all__ = ["alert_chat", "wall"]


@pytest.fixture(scope="session", autouse=True)
def there_is_a_broker(valkey: str) -> None:
    """Who does not ask for it would wait until it gives up, and longer when it is run first."""
