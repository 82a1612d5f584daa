"""What a start says of the channels that it finds."""

import pytest
from pytest_django import Settings

from khronos.launch import residents
from khronos.launch.screen import Screen
from khronos.models import Channel

pytestmark = pytest.mark.django_db


def said(capsys: pytest.CaptureFixture[str]) -> str:
    residents.settle(Screen())
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def without_address(settings: Settings) -> None:
    settings.PUBLIC_URL = settings.TELEGRAM_BOT_TOKEN = ""


def test_a_bot_that_nobody_listens_to_is_named(
    telegram: Channel, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    warning = "Nobody asks Telegram for messages to the channel default"
    assert said(capsys).count(warning) == 1
    settings.PUBLIC_URL = "https://talk.example"
    assert warning not in said(capsys)
    settings.PUBLIC_URL, settings.TELEGRAM_BOT_TOKEN = "", telegram.token
    assert warning not in said(capsys)


def test_a_channel_that_is_switched_off_is_not(telegram: Channel, capsys: pytest.CaptureFixture[str]) -> None:
    Channel.objects.filter(pk=telegram.pk).update(is_active=False)
    assert "Nobody asks" not in said(capsys)
