"""What tests of alerts share: a clock that is moved, the operators' chats, a raise and an end in one word."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import DateTimeField, Value
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.alerts import _resolved, clock, raise_alert, resolve_alert
from khronos.models import Channel

CHAT, CRITICAL_CHAT = 501, 502
NAME = "check.disk"


class Clock:
    """Stands still until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def moment(self) -> Value:
        return Value(self.at, output_field=DateTimeField())

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Clock:
    wall = Clock(datetime(2026, 11, 21, 3, 12, tzinfo=UTC))
    monkeypatch.setattr(clock, "moment", wall.moment)
    return wall


@pytest.fixture
def alert_chat(telegram: Channel, sim: Simulator, settings: Settings) -> None:
    """The operators' chat."""
    settings.TELEGRAM_ALERT_CHAT_ID = str(CHAT)
    sim.telegram.open_chat(CHAT)
    sim.telegram.open_chat(CRITICAL_CHAT)


def up(level: str = "error", name: str = NAME, text: str = "2 % are free.") -> None:
    raise_alert(name, level, text)


def down(name: str = NAME) -> None:
    _resolved.clear()  # what a process remembers of seconds, in which our clock moves by minutes
    resolve_alert(name)


def said(sim: Simulator, chat: int = CHAT) -> list[str]:
    return sim.telegram.answers(chat)
