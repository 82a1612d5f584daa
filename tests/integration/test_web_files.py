"""Files within messages of the web channel: stored with them, understood as any other, and kept but once."""

import base64
import json
import time
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.db import DatabaseError
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from bench.simulator import Simulator
from bench.simulator.telegram.pictures import PHOTO, photo
from khronos.channels.signature import sign
from khronos.conversation.phrases import phrase
from khronos.intake import accept, channels
from khronos.media import fetchers, reasons
from khronos.models import Attachment, Channel, Conversation, Message, Piece, Update, Upload, Usage
from tests.factories import make_channel, make_user
from tests.integration import way

URL = "/webhooks/web/site/"
MB = 1024 * 1024
State = Attachment.State
pytestmark = pytest.mark.usefixtures("bus", "sim")


@pytest.fixture
def site(db: None) -> Channel:
    channels.forget()
    return make_channel(slug="site", kind="web", token="", secret="hush")


def file(raw: bytes, name: str = "a.jpg", media_type: str = "image/jpeg") -> dict[str, Any]:
    return {"name": name, "media_type": media_type, "data": base64.b64encode(raw).decode()}


def body(*files: Any, **changes: Any) -> bytes:
    said = {"id": "a-1", "chat": "order-7", "sender": {"id": "ana"}, "text": "Is it right?", "files": files}
    return json.dumps(said | changes).encode()


def post(content: bytes, signed: bytes | None = None) -> Any:
    stamp = str(int(time.time()))
    signature = sign("hush", stamp, content if signed is None else signed)
    headers = {"X-Khronos-Timestamp": stamp, "X-Khronos-Signature": signature}
    return Client().post(URL, content, content_type="application/json", headers=headers)


def answered() -> list[str]:
    way.dispatch()
    way.answer()
    return list(Message.objects.filter(author="bot").order_by("pk").values_list("text", flat=True))


def counts() -> tuple[int, int, int]:
    return Update.objects.count(), Upload.objects.count(), Attachment.objects.count()


# What is understood


def test_a_photo_goes_before_the_model_and_is_kept_as_any_other(site: Channel, sim: Simulator) -> None:
    cake = photo(1_500_000, b"cake")
    assert post(body(file(cake, "cake.jpg"))).status_code == 202
    assert counts() == (1, 1, 0)
    assert answered() == ['You said: [photo "cake.jpg", 1,500 kB] Is it right?']
    assert [call.images for call in sim.models.calls()] == [[sha256(cake).hexdigest()]]
    row = Attachment.objects.get()
    assert (row.state, row.media_type, row.size, row.bytes()) == (State.READ, "image/jpeg", 1_500_000, cake)
    assert Piece.objects.count() == 2
    assert counts() == (1, 0, 1)


def test_several_files_are_read_in_their_order(site: Channel, sim: Simulator) -> None:
    files = file(b"Open nine to six", "hours.txt", "text/plain"), file(PHOTO, "", "")
    assert post(body(*files, text="")).status_code == 202
    answered()
    names = list(Attachment.objects.order_by("pk").values_list("name", "state", "size"))
    assert names == [("hours.txt", State.READ, 16), ("", State.READ, len(PHOTO))]
    (call,) = sim.models.calls()
    assert call.question.startswith('[document "hours.txt", 1 kB] [document, 1 kB]')
    assert "Open nine to six" in call.question
    assert call.images == [sha256(PHOTO).hexdigest()]


def test_the_update_keeps_what_was_said_without_the_bytes(site: Channel) -> None:
    sent = file(photo(100_000), "cake.jpg")
    post(body(sent))
    kept = json.loads(bytes(Update.objects.get().raw))
    assert kept == json.loads(body({"name": "cake.jpg", "media_type": "image/jpeg", "size": 100_000}))


def test_an_unknown_kind_is_politely_told(site: Channel, sim: Simulator) -> None:
    post(body(file(b"\x7fELF", "game.bin", "application/octet-stream"), text=""))
    (said,) = answered()
    assert "game.bin" in said
    assert reasons.NO_FORM in said
    assert sim.models.calls() == []


@pytest.mark.parametrize("data", ["no base64!", "QUJ", None, 7, ["QUJD"]])
def test_what_did_not_come_whole_is_told_and_the_words_are_answered(
    site: Channel, sim: Simulator, data: Any
) -> None:
    assert post(body({"name": "a.txt", "media_type": "text/plain", "data": data})).status_code == 202
    said = "\n".join(answered())
    assert "Is it right?" in said
    assert reasons.NOT_WHOLE in said
    assert len(sim.models.calls()) == 1
    assert Attachment.objects.get().state == State.REFUSED
    assert (Upload.objects.count(), Piece.objects.count()) == (0, 0)


@pytest.mark.parametrize("files", ["a.jpg", {"0": {}}, ["a.jpg"], [None]])
def test_files_that_are_none_are_quarantined(site: Channel, files: Any) -> None:
    assert post(body(files=files)).status_code == 202
    way.dispatch()
    assert Update.objects.get().state == Update.State.QUARANTINED
    assert (Message.objects.count(), Upload.objects.count()) == (0, 0)


def test_sound_is_written_down_where_there_is_a_transcriber(
    site: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.TRANSCRIBER, settings.TRANSCRIBER_API_KEY = "openai", "sk-simulated"
    settings.TRANSCRIBER_BASE_URL, settings.TRANSCRIBER_MODEL = sim.openai_url, "whisper-1"
    sound = file(b"OggS where is my order?", "a.webm", "audio/webm;codecs=opus") | {"seconds": 90.4}
    post(body(sound, text=""))
    assert answered() == ['You said: [audio "a.webm", in these words:] OggS where is my order?']
    assert Message.objects.get(author="contact").text == "OggS where is my order?"
    assert Usage.objects.get(kind=Usage.Kind.TRANSCRIPTION).micros == 9000


def test_sound_that_nobody_hears_and_video_have_one_polite_word(site: Channel, sim: Simulator) -> None:
    post(body(file(b"OggS", "a.ogg", "audio/ogg"), text=""))
    post(body(file(b"film", "a.mp4", "video/mp4"), id="a-2", text=""))
    assert answered() == [phrase("voice", "en"), phrase("video", "en")]
    assert sim.models.calls() == []


def test_the_timeline_shows_it(site: Channel) -> None:
    post(body(file(PHOTO, "cake.jpg")))
    answered()
    operator = Client()
    operator.force_login(make_user())
    talk = reverse("admin:khronos_conversation_change", args=[Conversation.objects.get().pk])
    page = operator.get(talk).content.decode()
    assert "cake.jpg" in page
    assert reverse("admin:khronos_attachment_file", args=[Attachment.objects.get().pk]) in page


def test_an_operator_has_the_file_though_no_turn_comes_for_it(site: Channel) -> None:
    post(body(text="hello", files=[]))
    way.dispatch()
    Conversation.objects.update(handler=Conversation.Handler.HUMAN)
    post(body(file(PHOTO), id="a-2"))
    way.dispatch()
    assert fetchers.fetch_all() == 1
    assert Attachment.objects.get().bytes() == PHOTO
    assert Upload.objects.count() == 0


# Once, and within the limits


def test_a_repeat_is_stored_and_answered_once(site: Channel, sim: Simulator) -> None:
    for _ in range(3):
        assert post(body(file(PHOTO))).status_code == 202
    assert counts() == (1, 1, 0)
    assert len(answered()) == 1
    assert post(body(file(PHOTO))).status_code == 202
    assert len(answered()) == len(sim.models.calls()) == 1
    assert counts() == (1, 0, 1)


def test_the_signature_is_over_the_files_too(site: Channel) -> None:
    assert post(body(file(PHOTO)), signed=body(file(photo(0, b"other")))).status_code == 403
    assert counts() == (0, 0, 0)


def test_update_and_files_are_stored_together_or_not_at_all(
    site: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_rows: object) -> None:
        raise DatabaseError("disk I/O error")

    monkeypatch.setattr(accept, "insert_all", fail)
    assert post(body(file(PHOTO))).status_code == 503
    assert counts() == (0, 0, 0)
    monkeypatch.undo()
    assert post(body(file(PHOTO))).status_code == 202
    assert counts() == (1, 1, 0)


def test_files_have_a_limit_of_their_own_and_words_keep_theirs(site: Channel, settings: Settings) -> None:
    settings.WEB_FILES_MAX_BYTES = 2 * MB
    settings.WEB_BODY_MAX_BYTES = 4 * MB
    small = file(b"x" * MB, "a.txt", "text/plain")
    refused = [
        body(small, small, file(b"x", "b.txt")),  # more than all files may have
        body(small, text="x" * (MB + 1)),  # more than what is said may have
        b"{" + b" " * (MB + 1) + b"}",  # no files, and more than a body without them may have
        body(*[file(PHOTO)] * 5),  # more than four
        b"x" * (4 * MB + 1),
    ]
    assert [post(content).status_code for content in refused] == [413] * 5
    assert counts() == (0, 0, 0)
    assert post(body(small, small)).status_code == 202
    assert counts() == (1, 2, 0)


# The chat page's address


@pytest.fixture
def visitor(db: None) -> Client:
    channels.forget()
    make_channel(slug="chat", kind="web", token="", secret="hush")
    client = Client()
    client.get("/chat/messages")
    return client


def say(visitor: Client, *files: Any, id_: str = "id-00001", text: str = "") -> Any:
    said = {"id": id_, "text": text, "files": files}
    return visitor.post("/chat/messages", json.dumps(said), content_type="application/json")


def test_a_visitor_sends_files_and_sees_their_names(visitor: Client, sim: Simulator) -> None:
    assert say(visitor, file(PHOTO, "cake.jpg"), file(b"nine to six", "", "text/plain")).status_code == 202
    assert counts() == (1, 2, 0)
    answered()
    shown, _answer = visitor.get("/chat/messages").json()["messages"]
    assert (shown["text"], shown["content"], shown["files"]) == ("", "photo", ["cake.jpg", "document"])
    assert [call.images for call in sim.models.calls()] == [[sha256(PHOTO).hexdigest()]]


def test_a_visitor_does_not_say_how_long_a_sound_is(visitor: Client) -> None:
    say(visitor, file(b"OggS" * 1000, "a.ogg", "audio/ogg") | {"seconds": 1})
    way.dispatch()
    row = Attachment.objects.get()
    assert (row.name, row.media_type, row.size, row.seconds) == ("a.ogg", "audio/ogg", 4000, 0)


def test_a_visitor_hears_what_is_too_much(visitor: Client, settings: Settings) -> None:
    settings.WEB_FILES_MAX_BYTES = 1000
    assert say(visitor, file(b"x" * 1001)).status_code == 413
    assert say(visitor, file(b"x" * 1000)).status_code == 202
    assert counts() == (1, 1, 0)


def test_files_of_one_address_have_a_limit_of_their_own(visitor: Client, settings: Settings) -> None:
    settings.ADDRESS_FILES_PER_MINUTE = 2
    heard = [say(visitor, file(PHOTO), id_=f"id-0000{n}").status_code for n in range(3)]
    assert heard == [202, 202, 429]
    assert say(visitor, id_="id-00009", text="words").status_code == 202
    assert counts() == (3, 2, 0)


# Forgotten


def test_files_that_nobody_came_for_go_with_their_update(site: Channel, settings: Settings) -> None:
    post(body(file(PHOTO), type="edit", message_id="a-0"))
    way.dispatch()
    assert counts() == (1, 1, 0)
    Update.objects.update(received_at=Now() - settings.UPDATES_KEPT - timedelta(days=1))
    assert Update.objects.forget_old() == 1
    assert counts() == (0, 0, 0)
