"""What is spoken is written down once, within limits and the budget; else there is one polite word."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.conversation.phrases import phrase
from khronos.exceptions import Permanent, Throttled, Transient, Unauthorized
from khronos.guards import limits
from khronos.http import pool
from khronos.media import reasons
from khronos.media.transcribing.base import Recording
from khronos.media.transcribing.hosted import HostedTranscriber
from khronos.models import Alert, Attachment, Channel, Message, Turn, Usage, UsageDay
from khronos.usage.budget import first_of_month
from tests.integration import way
from tests.integration.raw_server import answer, saying, serving
from tests.integration.test_media import answers, downloads

pytestmark = pytest.mark.usefixtures("bus")

State = Attachment.State
WHERE = b"OggS where is my order?"
SAID = "OggS where is my order?"


@pytest.fixture
def scribe(settings: Settings, sim: Simulator) -> None:
    settings.TRANSCRIBER, settings.TRANSCRIBER_API_KEY = "openai", "sk-simulated"
    settings.TRANSCRIBER_BASE_URL = sim.openai_url
    settings.TRANSCRIBER_MODEL = "whisper-1"


def transcriptions(sim: Simulator) -> list[str]:
    calls = [call for call in sim.models.calls("openai") if call.path.endswith("/transcriptions")]
    return [call.outcome for call in calls]


def questions(sim: Simulator) -> list[str]:
    return [call.question for call in sim.models.calls("anthropic")]


# Nobody listens


def test_without_a_transcriber_there_is_one_polite_answer(telegram: Channel, sim: Simulator) -> None:
    for _ in range(3):
        sim.telegram.voice(way.ANA)
    sim.telegram.audio(way.ANA)
    sim.telegram.video_note(way.ANA)
    way.all_the_way(telegram)
    assert answers(sim) == [phrase("voice", "pt")]
    assert "/human" in phrase("voice", "pt")
    assert (sim.models.calls(), downloads(sim)) == ([], [])


def test_a_video_is_answered_with_one_polite_word(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.video(way.ANA)
    way.all_the_way(telegram)
    assert answers(sim) == [phrase("video", "pt")]


# Somebody does


@pytest.mark.usefixtures("scribe")
@pytest.mark.parametrize("kind", ["voice", "audio", "video_note"])
def test_what_is_spoken_is_what_was_said(telegram: Channel, sim: Simulator, kind: str) -> None:
    getattr(sim.telegram, kind)(way.ANA, WHERE)
    way.all_the_way(telegram)
    mark = f"[{kind.replace('_', ' ')}, in these words:]"
    assert questions(sim) == [f"{mark} {SAID}"]
    assert answers(sim) == [f"You said: {mark} {SAID}"]
    message = Message.objects.filter(author="contact").get()
    assert (message.text, Attachment.objects.get().text) == (SAID, SAID)
    way.say(sim, "And?")
    way.all_the_way(telegram)
    assert transcriptions(sim) == ["ok"]
    assert downloads(sim) == ["ok"]


@pytest.mark.usefixtures("scribe")
def test_it_is_charged_by_the_minute_and_never_twice(telegram: Channel, sim: Simulator) -> None:
    sim.models.fail(status=529, provider="anthropic", count=2)
    sim.telegram.voice(way.ANA, WHERE, seconds=90)
    for _ in range(3):
        way.all_the_way(telegram)
        way.hurry()
    assert len(questions(sim)) == 3
    assert transcriptions(sim) == ["ok"]
    row = Usage.objects.get(kind=Usage.Kind.TRANSCRIPTION)
    assert (row.provider, row.model, row.micros, row.is_priced) == ("openai", "whisper-1", 9000, True)
    assert row.turn_id == Turn.objects.get().pk
    assert UsageDay.objects.get(kind=Usage.Kind.TRANSCRIPTION).micros == 9000
    assert Usage.objects.filter(kind=Usage.Kind.ANSWER).count() == 1


@pytest.mark.usefixtures("scribe")
def test_the_budget_is_asked_first(telegram: Channel, sim: Simulator) -> None:
    telegram.tenant.monthly_budget = Decimal("0.01")
    telegram.tenant.save()
    UsageDay.objects.create(tenant=telegram.tenant, day=first_of_month(), micros=10_000, calls=1)
    sim.telegram.voice(way.ANA, WHERE, seconds=90)
    way.all_the_way(telegram)
    assert answers(sim) == [phrase("later", "pt")]
    assert Turn.objects.waiting_for_budget().count() == 1
    assert (transcriptions(sim), questions(sim), downloads(sim)) == ([], [], ["ok"])


@pytest.mark.usefixtures("scribe")
def test_one_a_second_whoever_asks(telegram: Channel, sim: Simulator, settings: Settings) -> None:
    settings.PROVIDER_REQUESTS_PER_SECOND = {"transcriber": 1}
    sim.telegram.voice(way.ANA, WHERE)
    sim.telegram.voice(8, WHERE)
    way.fetch(telegram)
    way.dispatch()
    asked_at = timezone.now()
    way.answer()
    assert transcriptions(sim) == ["ok"]
    due_at = Turn.objects.get(state=Turn.State.PARKED).due_at
    assert due_at is not None
    assert asked_at < due_at <= timezone.now() + timedelta(seconds=1)
    assert len(answers(sim)) + len(sim.telegram.answers(8)) == 1  # a second is not told


@pytest.mark.usefixtures("scribe")
def test_two_at_once_and_the_third_waits(telegram: Channel, sim: Simulator, settings: Settings) -> None:
    settings.PROVIDER_CONCURRENCY = {"transcriber": 2}
    with (
        limits.seat("transcriber", "turn:901", lambda _: None),
        limits.seat("transcriber", "turn:902", lambda _: None),
    ):
        sim.telegram.voice(way.ANA, WHERE)
        way.all_the_way(telegram)
        assert (transcriptions(sim), answers(sim)) == ([], [])
    way.hurry()
    way.answer()
    assert transcriptions(sim) == ["ok"]
    assert len(answers(sim)) == 1


@pytest.mark.usefixtures("scribe")
def test_while_it_is_away_the_turn_waits_and_is_told_once(telegram: Channel, sim: Simulator) -> None:
    sim.models.fail(status=503, provider="openai", count=2)
    sim.telegram.voice(way.ANA, WHERE)
    for _ in range(3):
        way.all_the_way(telegram)
        way.hurry()
    assert answers(sim)[0] == phrase("wait", "pt")
    assert len(answers(sim)) == 2
    assert transcriptions(sim)[-1] == "ok"
    assert (len(transcriptions(sim)), downloads(sim)) == (3, ["ok"])


@pytest.mark.usefixtures("scribe")
def test_a_wrong_key_is_an_alert_that_ends_by_itself(telegram: Channel, sim: Simulator) -> None:
    sim.models.require_keys(["sk-ant-simulated", "another"])
    sim.telegram.voice(way.ANA, WHERE)
    way.all_the_way(telegram)
    alert = Alert.objects.get()
    assert (alert.name, alert.resolved_at) == ("provider.transcriber.unauthorized", None)
    assert Turn.objects.get().reason.startswith("provider.transcriber.unauthorized: 401")
    sim.models.require_keys([])
    way.hurry()
    way.answer()
    alert.refresh_from_db()
    assert alert.resolved_at is not None
    assert len(answers(sim)) == 2


@pytest.mark.usefixtures("scribe")
@pytest.mark.parametrize("sound", [b"   ", b"unreadable"])
def test_what_cannot_be_made_out_is_said(telegram: Channel, sim: Simulator, sound: bytes) -> None:
    if sound != b"   ":
        sim.models.fail(status=400, provider="openai", description="Audio file might be corrupted")
    sim.telegram.voice(way.ANA, sound)
    way.all_the_way(telegram)
    assert Attachment.objects.get().reason == reasons.NOT_SPOKEN
    (said,) = answers(sim)
    assert said == "Não consegui aproveitar o seu arquivo. Não foi possível entender o que é dito nele."
    assert questions(sim) == []


# On the wire


def heard(
    settings: Settings, *, status: str = "200 OK", body: bytes = b'{"text":" Hi. "}'
) -> tuple[str, bytes]:
    with serving(saying(answer(body, status, "Retry-After: 7"))) as server:
        settings.TRANSCRIBER_BASE_URL = f"{server.url}/v1"
        try:
            text = HostedTranscriber().transcribe(Recording(b"OggS\r\n--x", "sound.ogg", "audio/ogg", "pt"))
        finally:
            pool(server.url).close()
    return text, server.requests[0]


@pytest.mark.usefixtures("scribe")
def test_it_is_asked_in_its_own_form(settings: Settings) -> None:
    text, request = heard(settings)
    head, _, body = request.partition(b"\r\n\r\n")
    assert text == "Hi."
    assert head.startswith(b"POST /v1/audio/transcriptions HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer sk-simulated\r\n" in head
    boundary = head.partition(b"boundary=")[2].split(b"\r\n")[0]
    part = b"--" + boundary + b'\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    fields = ((b"model", b"whisper-1"), (b"response_format", b"json"), (b"language", b"pt"))
    file = (
        b"--" + boundary + b'\r\nContent-Disposition: form-data; name="file"; filename="sound.ogg"\r\n'
        b"Content-Type: audio/ogg\r\n\r\nOggS\r\n--x\r\n--" + boundary + b"--\r\n"
    )
    assert body == b"".join(part % field for field in fields) + file


@pytest.mark.usefixtures("scribe")
@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        ("401 Unauthorized", b'{"error":{"message":"no"}}', Unauthorized),
        ("429 Too Many", b'{"error":{"message":"slow"}}', Throttled),
        ("500 Oops", b"<html>", Transient),
        ("413 Large", b"{}", Permanent),
        ("200 OK", b"[]", Transient),
        ("200 OK", b'{"text":null}', Transient),
    ],
)
def test_its_failures_are_ours(settings: Settings, status: str, body: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind) as failure:
        heard(settings, status=status, body=body)
    assert type(failure.value) is kind
    assert "sk-simulated" not in str(failure.value)
    if isinstance(failure.value, Throttled):
        assert failure.value.retry_after == 7
