"""The poller follows its channel's row, and hands on what it fetched in one piece."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from django.db import InterfaceError, connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from bench.patience import until
from bench.simulator import Simulator
from khronos.alerts import _resolved, raise_alert
from khronos.delivery.policy import wrong_token
from khronos.intake import accept as intake
from khronos.intake import poller
from khronos.intake.poller import Poller, Polling
from khronos.models import Alert, Channel, Lease, Update
from khronos.resilience.shutdown import Stopping
from tests.conftest import TOKEN
from tests.factories import make_channel
from tests.integration.telegram_bot import CHAT

pytestmark = [pytest.mark.usefixtures("bus"), pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def quick(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TELEGRAM_POLL_S = 1
    monkeypatch.setattr(poller, "UNAUTHORIZED_S", 0.05)
    monkeypatch.setattr(poller, "STAND_BY_S", 0.05)
    _resolved.clear()


@contextmanager
def polling(*channels: Channel) -> Iterator[list[threading.Thread]]:
    stopping = Stopping()
    threads = [threading.Thread(target=poller.poll, args=[Poller(each, stopping)]) for each in channels]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def stored() -> int:
    return Update.objects.count()


def open_alerts() -> set[str]:
    return set(Alert.objects.filter(resolved_at=None).values_list("name", flat=True))


def test_page_of_updates_is_stored_by_one_statement(
    telegram: Channel, sim: Simulator, bus: "redis.Redis"
) -> None:
    for number in range(20):
        sim.telegram.say(CHAT, f"hello {number}")
    with CaptureQueriesContext(connection) as queries:
        Poller(telegram, Stopping()).poll()
    assert sum(query["sql"].startswith("INSERT") for query in queries) == 1
    in_order = [b"hello %d" % number for number in range(20)]
    raws = [bytes(raw) for raw in Update.objects.order_by("pk").values_list("raw", flat=True)]
    assert all(text in raw for text, raw in zip(in_order, raws, strict=True))
    assert bus.xlen("inbox.message.received") == 20
    assert len(set(Update.objects.values_list("trace_id", flat=True))) == 20


def test_page_fetched_again_is_stored_once(telegram: Channel, sim: Simulator) -> None:
    for number in range(3):
        sim.telegram.say(CHAT, f"hello {number}")
    Poller(telegram, Stopping()).poll()
    raws = [bytes(raw) for raw in Update.objects.values_list("raw", flat=True)]
    assert not any(receipt.is_new for receipt in intake.accept_all(telegram, raws * 2))
    assert stored() == 3


@pytest.mark.parametrize("how", ["off", "deleted", "without a token"])
def test_channel_that_is_switched_off_or_gone_ends_its_thread(
    telegram: Channel, sim: Simulator, how: str
) -> None:
    with polling(telegram) as [thread]:
        assert until(lambda: sim.telegram.polling(token=TOKEN), 10)
        if how == "deleted":
            telegram.delete()
        else:
            Channel.objects.update(**({"is_active": False} if how == "off" else {"token": ""}))
        thread.join(10)
        assert not thread.is_alive()
    assert list(Lease.objects.values_list("holder", flat=True)) == [""]


def test_mended_token_is_used(telegram: Channel, sim: Simulator) -> None:
    Channel.objects.update(token="999999:revoked")
    telegram.refresh_from_db()
    sim.telegram.say(CHAT, "hello")
    with polling(telegram):
        assert until(lambda: open_alerts() == {"poller.default"}, 10)
        Channel.objects.update(token=TOKEN)
        assert until(lambda: stored() == 1, 10)
        assert until(lambda: open_alerts() == set(), 10)
    assert Lease.objects.exclude(holder="").count() == 0


def test_token_that_is_good_again_ends_the_wait_of_what_it_refused(
    telegram: Channel, sim: Simulator, bus: "redis.Redis"
) -> None:
    sim.telegram.fail(status=401, method="getUpdates", count=1)
    raise_alert(wrong_token(telegram), "error", "refused")
    with polling(telegram):
        assert until(lambda: open_alerts() == set() and bus.llen("ops"), 10)
    assert "tasks.ops.hurry" in str(bus.lrange("ops", 0, -1))


def test_of_two_channels_with_one_token_one_polls(telegram: Channel, sim: Simulator) -> None:
    twin = make_channel(slug="twin", token=TOKEN)
    with polling(telegram, twin):
        for number in range(5):
            sim.telegram.say(CHAT, f"hello {number}")
        assert until(lambda: stored() == 5, 10)
        assert until(lambda: sim.telegram.polling(token=TOKEN), 10)
    assert len(set(Update.objects.values_list("channel_id", flat=True))) == 1
    assert open_alerts() == set()
    assert TOKEN not in "".join(Lease.objects.values_list("name", flat=True))


def test_twin_goes_on_where_the_other_is_switched_off(telegram: Channel, sim: Simulator) -> None:
    with polling(telegram) as [thread]:
        assert until(lambda: sim.telegram.polling(token=TOKEN), 10)
        twin = make_channel(slug="twin", token=TOKEN)
        with polling(twin):
            Channel.objects.filter(pk=telegram.pk).update(is_active=False)
            thread.join(10)
            sim.telegram.say(CHAT, "hello")
            assert until(lambda: stored() == 1, 10)
    assert Update.objects.get().channel == twin


def test_absent_database_does_not_end_the_process(telegram: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise InterfaceError("away")

    all_ = Polling(Stopping())
    with monkeypatch.context() as away:
        away.setattr(Channel.objects, "bots", absent)
        all_.look()
    assert all_.pollers == {}
