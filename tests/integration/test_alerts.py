"""The life of an alert, and who hears of it when: real database, real Valkey, a simulated Telegram."""

import threading

import pytest
from django.db import connection
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.alerts import clock, raise_alert
from khronos.alerts.words import news_of
from khronos.bus import doorbell
from khronos.guards.breakers import breaker
from khronos.herald import sweep, tell
from khronos.models import Alert, Channel
from tests.integration.alert_scene import CHAT, NAME, Clock, down, said, up

pytestmark = pytest.mark.usefixtures("bus")


@pytest.mark.usefixtures("alert_chat")
def test_a_hundred_raises_in_five_minutes_are_two_messages(wall: Clock, sim: Simulator) -> None:
    for _ in range(100):
        up()
        tell.tell_due()
        wall.move(seconds=2.5)
    assert len(said(sim)) == 1
    wall.move(minutes=1)
    tell.tell_due()
    first, second = said(sim)
    assert first.startswith("❌ The disk is nearly full\ncheck.disk: 2 % are free.\nSince 03:12.")
    assert "docs/runbooks/disk-full.md" in first
    assert "It goes on since 03:12 (5 min). … 99 more times since 03:12" in second
    row = Alert.objects.get()
    assert (row.count, row.told_count, row.tell_at) == (100, 100, None)
    wall.move(hours=5)
    assert (tell.tell_due(), len(said(sim))) == (0, 2)


@pytest.mark.usefixtures("alert_chat")
def test_the_longer_it_goes_on_the_seldomer_it_is_told(wall: Clock, sim: Simulator) -> None:
    for _ in range(120):
        up()
        tell.tell_due()
        wall.move(minutes=1)
    assert len(said(sim)) == 6  # at 0, 5, 15, 35, 65, 95 minutes


@pytest.mark.usefixtures("alert_chat")
def test_its_end_is_told_with_its_length(wall: Clock, sim: Simulator) -> None:
    up()
    tell.tell_due()
    wall.move(minutes=12)
    down()
    tell.tell_due()
    assert said(sim)[1:] == ["✅ The disk is nearly full – over\nIt lasted 12 min, from 03:12 to 03:24."]
    assert tell.tell_due() == 0


@pytest.mark.usefixtures("alert_chat")
def test_what_was_over_before_anybody_heard_is_told_once_as_over(wall: Clock, sim: Simulator) -> None:
    up()
    wall.move(minutes=4)
    down()
    assert tell.tell_due() == 1
    assert said(sim) == ["✅ The disk is nearly full – over\nIt lasted 4 min, from 03:12 to 03:16."]


@pytest.mark.usefixtures("alert_chat")
def test_getting_worse_is_told_at_once_and_also_through_a_mute(wall: Clock, sim: Simulator) -> None:
    up("warning")
    tell.tell_due()
    assert Alert.objects.mute(Alert.objects.get().pk, None, "Olga", clock.moment())
    wall.move(seconds=10)
    up("critical")
    tell.tell_due()
    assert len(said(sim)) == 2
    assert "🔥" in said(sim)[1]
    assert "It got worse." in said(sim)[1]
    for level in ("warning", "critical"):  # known already
        up(level)
    assert tell.tell_due() == 0


@pytest.mark.usefixtures("alert_chat")
def test_flapping_is_told_as_such_and_no_storm(wall: Clock, sim: Simulator) -> None:
    for _ in range(20):
        up()
        tell.tell_due()
        wall.move(seconds=10)
        down()
        tell.tell_due()
        wall.move(seconds=10)
    assert len(said(sim)) <= 4
    wall.move(minutes=6)
    tell.tell_due()
    assert any("It comes and goes" in text for text in said(sim))
    assert "It came and went 20 times from 03:12 to 03:18" in said(sim)[-1]
    row = Alert.objects.get()
    assert (row.flaps, row.count) == (19, 20)


@pytest.mark.usefixtures("alert_chat")
def test_a_new_life_begins_when_it_was_over_for_long(wall: Clock, sim: Simulator) -> None:
    up()
    tell.tell_due()
    down()
    tell.tell_due()
    wall.move(minutes=11)
    up()
    tell.tell_due()
    assert len(said(sim)) == 3
    assert Alert.objects.values_list("count", "flaps", "tellings").get() == (1, 0, 1)


@pytest.mark.usefixtures("alert_chat")
def test_whoever_dies_between_telling_and_marking_is_followed_by_another(wall: Clock, sim: Simulator) -> None:
    up()
    dying = Alert.objects.claim(Alert.objects.get().pk, clock.moment())
    assert dying is not None
    tell.show(news_of(dying, dying.clock), tell.telegram())
    assert (tell.tell_due(), len(said(sim))) == (0, 1)  # leased
    wall.move(minutes=3)
    assert (tell.tell_due(), len(said(sim))) == (1, 2)
    assert not dying.settle("Telegram", clock.moment())  # its lease is another's
    assert tell.tell_due() == 0


@pytest.mark.usefixtures("alert_chat")
def test_a_lost_ring_heals(wall: Clock, sim: Simulator, bus: object) -> None:
    up()
    assert doorbell.waiting_in("ops") == 1
    bus.flushall()  # type: ignore[attr-defined]
    sweep._rung_at[0] = -sweep.RING_AGAIN_S
    sweep.sweep()
    assert doorbell.waiting_in("ops") == 1
    sweep.sweep()
    assert doorbell.waiting_in("ops") == 1  # not every second
    assert tell.tell_due() == 1


@pytest.mark.django_db(transaction=True)
def test_many_who_raise_it_at_once_make_one_row_with_the_right_count() -> None:
    start = threading.Barrier(8)

    def raise_some() -> None:
        start.wait()
        for _ in range(5):
            up()
        connection.close()

    threads = [threading.Thread(target=raise_some) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Alert.objects.values_list("name", "count").get() == (NAME, 40)
    assert doorbell.waiting_in("ops") == 1  # one of them began it


def test_without_a_chat_it_is_kept_and_told_when_there_is_one(
    telegram: Channel, wall: Clock, sim: Simulator, settings: Settings
) -> None:
    up()
    assert tell.tell_due() == 0
    row = Alert.objects.get()
    assert (row.waits, row.trouble) == (
        Alert.Waits.NOBODY,
        "no chat is configured: set TELEGRAM_ALERT_CHAT_ID",
    )
    settings.TELEGRAM_ALERT_CHAT_ID = str(CHAT)
    sim.telegram.open_chat(CHAT)
    wall.move(minutes=11)
    assert (tell.tell_due(), len(said(sim))) == (1, 1)


@pytest.mark.usefixtures("alert_chat")
def test_telegram_away_without_any_fallback_is_told_late(wall: Clock, sim: Simulator) -> None:
    sim.telegram.fail(status=500, method="sendMessage", count=1)
    up()
    assert tell.tell_due() == 0
    row = Alert.objects.get()
    assert (row.waits, row.told_at) == (Alert.Waits.FAILURE, None)
    wall.move(minutes=1)
    assert (tell.tell_due(), len(said(sim))) == (1, 1)
    assert breaker("telegram").snapshot().state == "closed"


@pytest.mark.parametrize(
    ("name", "level", "text"),
    [
        ("n" * 300, "error", "long"),
        ("nul", "error", "a\x00b\ud800c"),
        ("loud", "loud", "x"),
        ("", "info", ""),
    ],
)
@pytest.mark.usefixtures("alert_chat")
def test_whatever_is_raised_is_kept_and_told(sim: Simulator, name: str, level: str, text: str) -> None:
    raise_alert(name, level, text)
    assert tell.tell_due() == 1
    assert (Alert.objects.count(), len(said(sim))) == (1, 1)


@pytest.mark.usefixtures("alert_chat")
def test_whoever_tells_of_an_earlier_life_marks_nothing_in_this_one(wall: Clock, sim: Simulator) -> None:
    up()
    slow = Alert.objects.claim(Alert.objects.get().pk, clock.moment())
    down()
    wall.move(minutes=11)
    up()
    assert slow is not None
    assert not slow.settle("Telegram", clock.moment())
    assert not slow.put_off(None, "", "", tried=False)
    assert (tell.tell_due(), len(said(sim))) == (1, 1)


@pytest.mark.usefixtures("alert_chat")
def test_secrets_are_not_told(telegram: Channel, sim: Simulator) -> None:
    up(text="https://api.telegram.org/bot424242:AAAAAAAAAAAAAAAAAAAAAAAAAAAA/getMe failed")
    tell.tell_due()
    assert "AAAA" not in said(sim)[0]
