"""Scenes that several files of tests share, and the broker that all of them have."""

import pytest
from django.test import Client

from tests import factories as make
from tests.integration.alert_scene import alert_chat, wall
from tests.integration.telegram_bot import bot

__all__ = ["alert_chat", "bot", "wall"]


@pytest.fixture(scope="session", autouse=True)
def there_is_a_broker(valkey: str) -> None:
    """Who does not ask for it would wait until it gives up, and longer when it is run first."""


@pytest.fixture
def operator(client: Client, db: None) -> Client:
    """A browser in which one has signed in."""
    client.force_login(make.make_user(username="olga"))
    return client
