"""The web channel's addresses: signed messages in, conversations out, on the real database."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import DatabaseError
from django.test import Client
from pytest_django import Settings

from khronos.channels.signature import sign
from khronos.intake import accept as intake
from khronos.intake import channels, reading
from khronos.intake.reading import Cursor
from khronos.models import Channel, Conversation, Message, Turn, Update, conversation_id
from tests.factories import make_channel, make_contact, make_conversation, make_message, make_turn
from tests.integration import way

URL = "/webhooks/web/site/"
pytestmark = pytest.mark.usefixtures("bus")


@pytest.fixture
def site(db: None) -> Channel:
    channels.forget()
    return make_channel(slug="site", kind="web", token="", secret="hush")


def body(id_: str = "a-1", **changes: Any) -> bytes:
    return json.dumps(
        {"id": id_, "chat": "order-7", "sender": {"id": "ana"}, "text": "Hi"} | changes
    ).encode()


def signed(content: bytes, secret: str = "hush", age_s: int = 0) -> dict[str, str]:
    stamp = str(int(time.time()) - age_s)
    return {"X-Khronos-Timestamp": stamp, "X-Khronos-Signature": sign(secret, stamp, content)}


def post(content: bytes, headers: dict[str, str] | None = None, url: str = URL) -> Any:
    given = signed(content) if headers is None else headers
    return Client().post(url, content, content_type="application/json", headers=given)


def get(secret: str = "hush", **query: str) -> Any:
    target = f"{URL}messages?{urlencode(query)}"
    return Client().get(target, headers=signed(target.encode(), secret))


def talk(site: Channel, chat: str = "order-7") -> Conversation:
    return make_conversation(contact=make_contact(channel=site, external_id=chat), chat_id=chat)


def texts(page: dict[str, Any]) -> list[str]:
    return [message["text"] for message in page["messages"]]


# Messages in


def test_signed_message_is_stored_and_its_trace_told(site: Channel) -> None:
    response = post(body())
    stored = Update.objects.get()
    assert response.status_code == 202
    assert response.json() == {"accepted": True, "trace_id": stored.trace_id}
    assert response["X-Trace-Id"] == stored.trace_id
    assert (stored.key, bytes(stored.raw)) == ("a-1", body())
    assert stored.conversation_id == conversation_id(site.pk, "order-7")


def test_trace_of_the_caller_is_kept(site: Channel) -> None:
    assert post(body(), signed(body()) | {"X-Trace-Id": "mine-1"}).json()["trace_id"] == "mine-1"


def test_resent_message_is_stored_once(site: Channel) -> None:
    assert [post(body()).status_code for _ in range(3)] == [202, 202, 202]
    assert post(body(text="changed")).status_code == 202
    assert Update.objects.count() == 1


def test_both_secrets_are_valid_during_a_rotation(site: Channel) -> None:
    Channel.objects.update(secret="new", previous_secret="hush")
    assert post(body("1")).status_code == 202
    assert post(body("2"), signed(body("2"), "new")).status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(body(), "wrong"),
        signed(b"another body"),
        signed(body(), age_s=301),
        signed(body(), age_s=-4000),
        signed(body()) | {"X-Khronos-Timestamp": "now"},
        signed(body()) | {"X-Khronos-Signature": "sha256=é"},
    ],
)
def test_wrong_signature_or_old_time_stores_nothing(site: Channel, headers: dict[str, str]) -> None:
    response = post(body(), headers)
    assert response.status_code == 403
    assert response.json()["accepted"] is False
    assert Update.objects.count() == 0


def test_channel_without_a_secret_admits_nobody(site: Channel) -> None:
    Channel.objects.update(secret="", previous_secret="")
    assert post(body(), signed(body(), "")).status_code == 403


def test_unknown_and_foreign_and_sleeping_channels_are_not_found(site: Channel) -> None:
    make_channel(slug="bot", kind="telegram")
    make_channel(slug="asleep", kind="web", is_active=False)
    for slug in ("nobody", "bot", "asleep"):
        assert post(body(), url=f"/webhooks/web/{slug}/").status_code == 404


@pytest.mark.parametrize("excess", [1, 5000])
def test_more_than_the_limit_is_refused(site: Channel, settings: Settings, excess: int) -> None:
    settings.UPDATE_MAX_BYTES = 2000
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 3024
    assert post(b"x" * 2000).status_code == 202
    assert post(b"x" * (2000 + excess)).status_code == 413
    assert Update.objects.count() == 1


def test_signed_nonsense_is_stored_and_quarantined(site: Channel) -> None:
    assert post(b"\x00 no JSON").status_code == 202
    assert post(body("2")).status_code == 202
    way.dispatch()
    states = dict(Update.objects.values_list("key", "state"))
    assert states.pop("2") == Update.State.DISPATCHED
    assert list(states.values()) == [Update.State.QUARANTINED]


def test_database_that_cannot_be_written_asks_to_come_back(
    site: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_arrivals: object) -> None:
        raise DatabaseError("disk I/O error")

    monkeypatch.setattr(intake, "insert", refuse)
    response = post(body())
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert "I/O" not in response.content.decode()


def test_only_posts_are_taken_in_and_only_gets_are_read(site: Channel) -> None:
    assert Client().get(URL).status_code == 405
    assert post(b"", url=f"{URL}messages").status_code == 405


# The conversation out


def test_the_whole_way(site: Channel) -> None:
    post(body(text="Hello"))
    waiting = get(chat="order-7").json()
    assert (waiting["messages"], waiting["thinking"]) == ([], True)
    way.dispatch()
    asked = get(chat="order-7").json()
    assert (texts(asked), asked["thinking"]) == (["Hello"], True)
    way.answer()
    answered = get(chat="order-7", after=asked["next"]).json()
    assert [message["author"] for message in answered["messages"]] == ["bot"]
    assert answered["thinking"] is False
    assert get(chat="order-7", after=answered["next"]).json()["messages"] == []


def test_message_tells_who_said_what_when(site: Channel) -> None:
    post(body(text="Hello", message_id="m-1"))
    way.dispatch()
    [shown] = get(chat="order-7").json()["messages"]
    stored = Message.objects.get()
    assert shown.pop("at").endswith("Z")
    told = {"id": stored.pk, "message_id": "m-1", "author": "contact", "text": "Hello"}
    assert shown == told | {"content": "text", "files": [], "buttons": [], "edited": None}


def test_edited_message_is_given_again_once(site: Channel) -> None:
    post(body(text="Helo"))
    way.dispatch()
    before = get(chat="order-7").json()["next"]
    post(body("a-2", type="edit", message_id="a-1", text="Hello"))
    way.dispatch()
    page = get(chat="order-7", after=before).json()
    assert texts(page) == ["Hello"]
    assert page["messages"][0]["edited"]
    assert get(chat="order-7", after=page["next"]).json()["messages"] == []


def test_reader_sees_no_other_conversation(site: Channel) -> None:
    make_message(conversation=talk(site, "one"), text="mine")
    make_message(conversation=talk(site, "two"), text="yours")
    other = make_channel(slug="other", kind="web", secret="hush")
    make_message(conversation=talk(other, "one"), text="theirs")
    assert texts(get(chat="one").json()) == ["mine"]


@pytest.mark.parametrize("state", [Turn.State.WAITING, Turn.State.WORKING, Turn.State.PARKED])
def test_thinking_lasts_until_the_turn_is_settled(site: Channel, state: str) -> None:
    turn = make_turn(conversation=talk(site), state=state)
    assert get(chat="order-7").json()["thinking"] is True
    assert get(chat="order-8").json()["thinking"] is False
    Turn.objects.filter(pk=turn.pk).update(state=Turn.State.SILENT, due_at=None)
    assert get(chat="order-7").json()["thinking"] is False


@pytest.mark.parametrize(
    "query",
    [{}, {"chat": ""}, {"chat": "x" * 101}, {"chat": "a\x00"}, {"chat": "c", "after": "x"},
     {"chat": "c", "after": "1"}, {"chat": "c", "after": "1.2.3.x"}, {"chat": "c", "after": "-1.2"},
     {"chat": "c", "after": "1." + "9" * 40}, {"chat": "c", "after": "1.2" + ".3e4" * 4000}],
)  # fmt: skip
def test_odd_question_is_refused(site: Channel, query: dict[str, str]) -> None:
    assert get(**query).status_code == 400


def test_reading_needs_a_signature_over_the_whole_address(site: Channel) -> None:
    target = f"{URL}messages?chat=mine"
    headers = signed(target.encode())
    assert Client().get(target, headers=headers).status_code == 200
    assert Client().get(f"{URL}messages?chat=yours", headers=headers).status_code == 403
    assert Client().get(target).status_code == 403
    assert get("wrong", chat="mine").status_code == 403


# The cursor


def read_all(
    conversation: Conversation, cursor: Cursor, now: float | None = None
) -> tuple[list[str], Cursor]:
    found: list[str] = []
    while True:
        page = reading.read(conversation.pk, cursor, now=now)
        found += [message.text for message in page.messages]
        cursor = Cursor.read(str(page.next))
        if not page.more:
            return found, cursor


def old(conversation: Conversation, text: str, seconds: float, **given: Any) -> Message:
    message = make_message(conversation=conversation, text=text, **given)
    Message.objects.filter(pk=message.pk).update(created_at=datetime.now(UTC) - timedelta(seconds=seconds))
    return message


@pytest.mark.parametrize("age_s", [0, 3600])
def test_long_conversation_is_read_once_in_order(site: Channel, age_s: int) -> None:
    conversation = talk(site)
    for number in range(250):
        old(conversation, str(number), age_s)
    found, cursor = read_all(conversation, Cursor())
    assert found == [str(number) for number in range(250)]
    assert len(str(cursor)) < reading.LONGEST
    make_message(conversation=conversation, text="news")
    assert read_all(conversation, cursor)[0] == ["news"]


def test_message_that_appears_late_with_a_smaller_id_is_not_missed(site: Channel) -> None:
    conversation = talk(site)
    late = make_message(conversation=conversation, text="late")
    Message.objects.filter(pk=late.pk).delete()
    make_message(conversation=conversation, text="first")
    found, cursor = read_all(conversation, Cursor())
    assert found == ["first"]
    Message(pk=late.pk, conversation=conversation, author="bot", text="late").save(force_insert=True)
    found, cursor = read_all(conversation, cursor)
    assert found == ["late"]
    assert read_all(conversation, cursor)[0] == []


def test_cursor_grows_short_again(site: Channel) -> None:
    conversation = talk(site)
    for number in range(50):
        make_message(conversation=conversation, text=str(number))
    _, cursor = read_all(conversation, Cursor())
    found, later = read_all(conversation, cursor, now=time.time() + 60)
    assert found == []
    assert later.given == {}
    assert later.floor == Message.objects.latest("pk").pk


def test_edit_of_an_old_message_is_given_once(site: Channel) -> None:
    conversation = talk(site)
    message = old(conversation, "old", 3600)
    old(conversation, "newer", 3600)
    _, cursor = read_all(conversation, Cursor())
    for _ in range(2):
        Message.objects.filter(pk=message.pk).update(text="changed", edited_at=datetime.now(UTC))
        found, cursor = read_all(conversation, cursor)
        assert found == ["changed"]
        for _ in range(3):
            found, cursor = read_all(conversation, cursor)
            assert found == []
    found, cursor = read_all(conversation, cursor, now=time.time() + 60)
    assert found == []
    assert read_all(conversation, cursor, now=time.time() + 120)[0] == []


def test_newest_begins_one_page_before_the_end(site: Channel) -> None:
    conversation = talk(site)
    for number in range(130):
        old(conversation, str(number), 3600, edited_at=datetime.now(UTC))
    found, _ = read_all(conversation, reading.newest(conversation.pk))
    assert found == [str(number) for number in range(30, 130)]
