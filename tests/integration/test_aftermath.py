"""The first start after a restore without the database of before, and what another Redis must forget then."""

from pathlib import Path

import pytest
import redis
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from khronos.backup import aftermath
from khronos.backup.aftermath import Aftermath
from khronos.backup.known import Fate, later_updates, of_turn
from khronos.launch import restored
from khronos.launch.home import Home
from khronos.launch.screen import Screen
from khronos.models import Alert, Channel, DeadLetter, Delivery, Message, Turn, Update
from tests.factories import (
    make_channel,
    make_conversation,
    make_delivery,
    make_message,
    make_turn,
    make_update,
)
from tests.integration.test_intake import SECRET, URL, update

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]
OTHERS = {b"session:of-another-program": b"1", b"unseen:1": b"1"}


class Listening(Screen):
    """What an operator is told."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = ""

    def done(self, text: str) -> None:
        self.heard += text

    warn = done


def restore_without_witness() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {aftermath.NOTE} (until varchar(40), kept varchar(1000))")
        cursor.execute(f"INSERT INTO {aftermath.NOTE} VALUES ('2026-11-21T18:00:00+00:00', '')")


@pytest.fixture
def open_work() -> tuple[Update, Turn, Delivery]:
    """One piece of each kind, of a channel whose answers cannot be taken back."""
    channel = make_channel(delivery_mode=Channel.DeliveryMode.SEND)
    return (
        make_update(channel=channel),
        make_turn(conversation=make_conversation(channel=channel)),
        make_delivery(conversation=make_conversation(channel=channel)),
    )


def test_what_nobody_can_know_is_held(open_work: tuple[Update, Turn, Delivery]) -> None:
    restore_without_witness()
    assert aftermath.settle() == Aftermath(held=3)
    assert (Update.objects.waiting().count(), Turn.objects.due().count(), Delivery.objects.due().count()) == (
        0,
        0,
        0,
    )
    assert DeadLetter.objects.count() == 2
    assert Alert.objects.open().get().name == "restore.doubtful"


def test_whoever_rather_answers_twice_than_never_has_all_of_it_done(
    open_work: tuple[Update, Turn, Delivery], settings: Settings
) -> None:
    settings.RESTORE_DOUBTFUL = "send"
    restore_without_witness()
    assert aftermath.settle() == Aftermath(resumed=3)
    assert [Update.objects.waiting().get(), Turn.objects.due().get(), Delivery.objects.due().get()] == list(
        open_work
    )
    assert (DeadLetter.objects.count(), Alert.objects.count()) == (0, 0)
    assert not aftermath.is_noted()


EDIT, SEND = Channel.DeliveryMode.EDIT, Channel.DeliveryMode.SEND
SENT = {"state": Delivery.State.SENT, "due_at": None, "sent_at": timezone.now(), "external_id": "7"}
UNTRIED: dict[str, object] = {"attempts": 0}


@pytest.mark.parametrize(
    ("mode", "parts", "fate"),
    [
        (SEND, [SENT | {"attempts": 1}], Fate.DONE),
        (SEND, [], Fate.DONE),
        (SEND, [UNTRIED, UNTRIED], Fate.OPEN),
        (SEND, [{"attempts": 1}], Fate.UNKNOWN),
        (SEND, [SENT | {"attempts": 1}, UNTRIED], Fate.UNKNOWN),
        (EDIT, [{"attempts": 1}, UNTRIED], Fate.OPEN),
        (EDIT, [{"attempts": 1, "external_id": "7"}], Fate.UNKNOWN),
        (EDIT, [SENT | {"attempts": 1}, {"attempts": 1}], Fate.UNKNOWN),
    ],
)
def test_an_answer_that_surely_nobody_saw_is_given_again(
    mode: str, parts: list[dict[str, object]], fate: Fate
) -> None:
    """As the database of before tells it of a turn that is open in the restored one."""
    conversation = make_conversation(channel=make_channel(delivery_mode=mode))
    turn = make_turn(conversation=conversation, state=Turn.State.ANSWERED, due_at=None)
    answer = make_message(conversation=conversation, turn=turn, author=Message.Author.BOT)
    for number, part in enumerate(parts):
        make_delivery(conversation=conversation, message=answer, part=number, **part)
    connection.ensure_connection()
    assert of_turn(connection.connection, turn.pk) is fate


def test_what_an_operator_has_not_looked_at_yet_is_kept_for_him() -> None:
    """By a second restore soon after the first, too."""
    held = make_update(state=Update.State.QUARANTINED)
    connection.ensure_connection()
    assert [fate for _row, fate in later_updates(connection.connection, held.pk - 1)] == [Fate.UNKNOWN]


def test_another_redis_forgets_which_updates_were_stored_and_nothing_else(
    telegram: Channel, bus: "redis.Redis", tmp_path: Path
) -> None:
    assert Client().post(URL, update(1), content_type="application/json", headers=SECRET).status_code == 200
    Update.objects.all().delete()
    bus.mset({f"seen:1:1:{number}": "1" for number in range(restored.TOGETHER + 1)})
    bus.mset(OTHERS)
    restore_without_witness()
    restored.settle(Home(tmp_path), Listening())
    assert list(bus.scan_iter("seen:*")) == []
    assert {name: bus.get(name) for name in OTHERS} == OTHERS
    assert Client().post(URL, update(1), content_type="application/json", headers=SECRET).status_code == 200
    assert Update.objects.get().key == "1"


def test_a_redis_that_is_away_is_told_and_keeps_nobody_from_starting(
    tmp_path: Path, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    restore_without_witness()
    screen = Listening()
    restored.settle(Home(tmp_path), screen)
    assert "updates that come again within the hour may be missed" in screen.heard
    assert not aftermath.is_noted()
