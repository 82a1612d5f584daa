"""Telegram's webhook on the real database and a real Valkey."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from khronos.intake import accept as intake
from khronos.intake import bell
from khronos.models import Channel, Update
from tests.integration import way

URL = "/webhooks/telegram/default/"
SECRET = {"X-Telegram-Bot-Api-Secret-Token": "hush"}
pytestmark = pytest.mark.usefixtures("bus")


def update(number: int, text: str = "hi", chat: int = 7) -> bytes:
    return (
        b'{"update_id": %d, "message": {"message_id": %d, "date": 1700000000,'
        b' "chat": {"id": %d, "type": "private"}, "from": {"id": %d, "is_bot": false, "first_name": "Ana"},'
        b' "text": "%s"}}' % (number, number, chat, chat, text.encode())
    )


def post(body: bytes, headers: dict[str, str] | None = None, url: str = URL) -> int:
    given = SECRET if headers is None else headers
    return Client().post(url, body, content_type="application/json", headers=given).status_code


def test_update_with_the_secret_is_stored_byte_for_byte(telegram: Channel) -> None:
    response = Client().post(URL, update(1), content_type="application/json", headers=SECRET)
    assert (response.status_code, response.content) == (200, b"")
    stored = Update.objects.get()
    assert bytes(stored.raw) == update(1)
    assert (stored.key, stored.state) == ("1", Update.State.RECEIVED)


@pytest.mark.parametrize("headers", [{}, {"X-Telegram-Bot-Api-Secret-Token": "wrong"}])
def test_wrong_secret_is_refused_and_stores_nothing(telegram: Channel, headers: dict[str, str]) -> None:
    assert post(update(1), headers) == 403
    assert Update.objects.count() == 0


def test_channel_without_a_secret_admits_nobody(telegram: Channel) -> None:
    Channel.objects.update(secret="", previous_secret="")
    assert post(update(1), {"X-Telegram-Bot-Api-Secret-Token": ""}) == 403


def test_both_secrets_are_valid_during_a_rotation(telegram: Channel) -> None:
    Channel.objects.update(secret="new", previous_secret="hush")
    assert post(update(1)) == 200
    assert post(update(2), {"X-Telegram-Bot-Api-Secret-Token": "new"}) == 200
    assert Update.objects.count() == 2


def test_unknown_channel_is_not_found(telegram: Channel) -> None:
    assert post(update(1), url="/webhooks/telegram/nobody/") == 404


def test_more_than_a_mebibyte_is_refused(telegram: Channel) -> None:
    assert post(b"x" * (1024 * 1024 + 1)) == 413
    assert Update.objects.count() == 0


def test_resent_update_is_stored_once_also_without_redis(telegram: Channel, bus: "redis.Redis") -> None:
    assert [post(update(5)) for _ in range(3)] == [200, 200, 200]
    bus.flushall()
    assert post(update(5)) == 200
    assert Update.objects.count() == 1
    assert bus.xlen("inbox.message.received") == 0


def test_marker_in_redis_spares_the_database_a_resent_update(telegram: Channel) -> None:
    post(update(5))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert post(update(5)) == 200
    assert [query for query in queries if "INSERT" in query["sql"]] == []


def test_event_on_the_bus_carries_every_field(telegram: Channel, bus: "redis.Redis") -> None:
    response = Client().post(
        URL, update(9), content_type="application/json", headers=SECRET | {"X-Trace-Id": "t-1"}
    )
    assert response.headers["X-Trace-Id"] == "t-1"
    [fields] = way.told(bus, "inbox.message.received")
    names = "event event_id trace_id tenant_id conversation_id customer_id idempotency_key timestamp payload"
    assert set(fields) == set(names.split())
    assert fields["trace_id"] == "t-1"
    assert all(fields.values())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b'{"update_id": "x"}',
        b"[" * 100_000,
        b'{"update_id":' + b"9" * 5000 + b"}",
    ],
)
def test_what_cannot_be_understood_is_stored_and_answered(telegram: Channel, body: bytes) -> None:
    assert post(body) == 200
    assert bytes(Update.objects.get().raw) == body


def test_dead_redis_costs_nothing_but_the_ring(telegram: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell, "quick", lambda: redis.Redis(port=1, socket_connect_timeout=0.2))
    bell.resting.clear()
    assert post(update(1)) == 200
    assert Update.objects.count() == 1
    bell.resting.clear()


def test_database_that_cannot_be_written_answers_503_and_reports_no_error_for_each_request(
    telegram: Channel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_arrivals: object) -> None:
        raise DatabaseError("disk I/O error")

    monkeypatch.setattr(intake, "insert", refuse)
    response = Client().post(URL, update(1), content_type="application/json", headers=SECRET)
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert [record.levelname for record in caplog.records if record.name == "django.request"] == ["WARNING"]


@pytest.mark.django_db(transaction=True)
def test_threads_that_arrive_together_are_each_answered_for_their_own(telegram: Channel) -> None:
    def arrive(number: int) -> intake.Receipt:
        try:
            return intake.accept(telegram, update(number % 100, chat=number))
        finally:
            connection.close()  # of this thread

    with ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(arrive, range(300)))
    assert sum(receipt.is_new for receipt in receipts) == 100
    assert Update.objects.count() == 100
