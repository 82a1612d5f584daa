"""Where an alert is told, and what holds it back: a crowded minute, quiet hours, a mute, a chat's pace."""

from datetime import datetime

import pytest
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.alerts import clock
from khronos.herald import tell
from khronos.models import Alert, Delivery
from settings.alert_hours import QuietHours, quiet_hours
from tests.integration.alert_scene import CRITICAL_CHAT, NAME, Clock, down, said, up

pytestmark = pytest.mark.usefixtures("bus")


@pytest.mark.usefixtures("alert_chat")
def test_critical_goes_to_its_own_chat_and_so_does_its_end(
    wall: Clock, sim: Simulator, settings: Settings
) -> None:
    settings.TELEGRAM_CRITICAL_CHAT_ID = str(CRITICAL_CHAT)
    up("critical")
    up("warning", "backlog")
    tell.tell_due()
    down()
    tell.tell_due()
    assert [text[0] for text in said(sim, CRITICAL_CHAT)] == ["🔥", "✅"]
    assert len(said(sim)) == 1


@pytest.mark.usefixtures("alert_chat")
def test_more_than_a_minute_allows_is_summed_up(wall: Clock, sim: Simulator, settings: Settings) -> None:
    settings.ALERTS_PER_MINUTE = 3
    for number in range(15):
        up("error", f"check.part-{number}")
    assert tell.tell_due() == 15
    assert len(said(sim)) == 4
    assert said(sim)[-1].startswith("❌ And 12 more alerts\n")
    up("critical", "check.another")  # the next summary is another minute's
    assert (tell.tell_due(), len(said(sim))) == (0, 4)
    row = Alert.objects.get(name="check.another")
    assert (row.waits, row.told_at, row.tries) == (Alert.Waits.LIMIT, None, 0)
    assert row.tell_at is not None
    assert row.tell_at > wall.at


@pytest.mark.usefixtures("alert_chat")
def test_quiet_hours_hold_back_what_is_not_urgent(wall: Clock, sim: Simulator, settings: Settings) -> None:
    settings.ALERT_QUIET_HOURS = quiet_hours("22:00-07:00")
    up("info", "paused.channel.default")
    up("warning", "backlog")
    up("error", NAME)
    up("critical", "breaker.database")
    assert tell.tell_due() == 2
    assert {text[0] for text in said(sim)} == {"❌", "🔥"}
    assert Alert.objects.filter(waits=Alert.Waits.NIGHT).count() == 2
    down("backlog")
    wall.move(hours=3)
    assert tell.tell_due() == 0
    wall.move(minutes=48)
    assert tell.tell_due() == 2
    summary = said(sim)[2]
    assert summary.startswith("ℹ️ In the quiet hours: 2 alerts\n") or "In the quiet hours: 2 alerts" in summary
    assert "✅ More waits than is worked off (backlog) 03:12" in summary
    assert len(said(sim)) == 3


@pytest.mark.usefixtures("alert_chat")
def test_what_gets_urgent_in_the_night_does_not_wait(wall: Clock, sim: Simulator, settings: Settings) -> None:
    settings.ALERT_QUIET_HOURS = quiet_hours("22:00-07:00")
    up("warning")
    assert tell.tell_due() == 0
    up("error")
    assert (tell.tell_due(), len(said(sim))) == (1, 1)
    assert said(sim)[0].startswith("❌ The disk is nearly full\n")  # no summary


@pytest.mark.parametrize(
    ("now", "morning"),
    [
        ("21:59", None),
        ("22:00", "2026-11-22 07:00"),
        ("23:59", "2026-11-22 07:00"),
        ("00:00", "2026-11-21 07:00"),
        ("06:59", "2026-11-21 07:00"),
        ("07:00", None),
    ],
)
def test_hours_over_midnight(now: str, morning: str | None) -> None:
    hours = quiet_hours("22:00-07:00")
    assert hours == QuietHours(*(datetime.strptime(text, "%H:%M").time() for text in ("22:00", "07:00")))  # noqa: DTZ007
    found = hours.morning_after(datetime.fromisoformat(f"2026-11-21 {now}+00:00"))
    assert (found and found.strftime("%Y-%m-%d %H:%M")) == morning


@pytest.mark.usefixtures("alert_chat")
def test_muted_means_silence_until_the_hour_and_then_what_is_left(wall: Clock, sim: Simulator) -> None:
    up()
    tell.tell_due()
    pk = Alert.objects.get().pk
    assert Alert.objects.mute(pk, 1, "Olga", clock.moment())
    wall.move(minutes=30)
    up()
    assert tell.tell_due() == 0
    wall.move(minutes=31)
    assert tell.tell_due() == 1
    assert "… 1 more time since 03:12" in said(sim)[1]
    assert "Muted" not in said(sim)[1]


@pytest.mark.usefixtures("alert_chat")
def test_muted_until_it_is_over_tells_of_the_end_alone(wall: Clock, sim: Simulator) -> None:
    up()
    tell.tell_due()
    Alert.objects.mute(Alert.objects.get().pk, None, "Olga", clock.moment())
    for _ in range(50):
        wall.move(minutes=7)
        up()
        assert tell.tell_due() == 0
    down()
    assert tell.tell_due() == 1
    assert said(sim)[1].startswith("✅")
    assert not Alert.objects.get().muted_until_over


@pytest.mark.usefixtures("alert_chat")
def test_alerts_take_nothing_from_the_budget_of_answers(
    wall: Clock, sim: Simulator, settings: Settings
) -> None:
    settings.TELEGRAM_SPACING_MS = 10_000  # answers may go every ten seconds
    for number in range(5):
        up("error", f"check.part-{number}")
    assert tell.tell_due() == 5
    assert Delivery.objects.count() == 0


@pytest.mark.usefixtures("alert_chat")
def test_two_alerts_to_one_chat_leave_as_far_apart_as_telegram_wants(
    wall: Clock, sim: Simulator, settings: Settings
) -> None:
    settings.TELEGRAM_CHAT_SPACING_MS = 10_000
    up("error", "check.one")
    up("error", "check.two")
    assert (tell.tell_due(), len(said(sim))) == (1, 1)
    left = Alert.objects.get(told_at=None)
    assert (left.waits, left.tries) == (Alert.Waits.LIMIT, 0)
