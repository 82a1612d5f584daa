"""How files come from Telegram, how that fails, and what is said then. The token stands nowhere."""

import logging
from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now
from pytest_django import Settings

from bench.simulator import Simulator
from bench.simulator.telegram.pictures import PHOTO, photo
from khronos.channels.telegram import BotApi
from khronos.conversation import sweep
from khronos.conversation.phrases import phrase
from khronos.exceptions import LostLease, Oversized
from khronos.guards import limits
from khronos.http import pool
from khronos.media import attending, fetchers, fetching, reasons
from khronos.models import Attachment, Channel, Conversation, Message, Piece, Turn
from tests.conftest import TOKEN
from tests.integration import way
from tests.integration.raw_server import answer, saying, serving
from tests.integration.telegram_bot import transport_to
from tests.integration.test_media import answers, digest, downloads, seen

pytestmark = pytest.mark.usefixtures("bus")

State = Attachment.State
MB = 1024 * 1024


def turn() -> Turn:
    return Turn.objects.get()


# Too large


@pytest.mark.parametrize("says_so", [True, False])
def test_a_file_of_25_mb_is_refused_before_it_is_downloaded(
    telegram: Channel, sim: Simulator, says_so: bool
) -> None:
    sim.telegram.document(way.ANA, "film.pdf", bytes(25 * MB), mime_type="application/pdf")
    way.fetch(telegram)
    way.dispatch()
    if not says_so:
        Attachment.objects.update(size=0)  # Telegram need not say it
    way.answer()
    assert answers(sim) == [phrase("too_large", "pt").format(most=20)]
    row = Attachment.objects.get()
    assert (row.state, row.reason, row.has_bytes) == (State.REFUSED, reasons.TOO_LARGE, False)
    asked = [call.outcome for call in sim.telegram.calls("getFile")]
    assert asked == ([] if says_so else ["400 Bad Request: file is too big"])
    assert (downloads(sim), sim.models.calls(), Piece.objects.count()) == ([], [], 0)


def test_a_server_that_gives_more_than_it_said_is_cut_off(settings: Settings) -> None:
    settings.MEDIA_MAX_BYTES = MB
    endless = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"10000\r\n" + bytes(65536) + b"\r\n") * 20
    )
    got: list[int] = []
    with serving(
        saying(answer(b'{"ok":true,"result":{"file_path":"a/b"}}', "200 OK", "Connection: close")),
        saying(endless),
    ) as server:
        with pytest.raises(Oversized):
            transport_to(server.url).fetch("x", MB, lambda piece: got.append(len(piece)))
        pool(server.url).close()
    assert sum(got) <= MB


# Away


def test_a_short_trouble_is_nobodys_concern(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.fail("cut", method="file", count=1)
    sim.telegram.fail(status=502, method="getFile", count=1)
    sim.telegram.photo(way.ANA, "Look", photo(2 * MB))
    for _ in range(3):
        way.all_the_way(telegram)
        way.hurry()
    assert answers(sim) == ["You said: [photo, 2,097 kB] Look"]
    assert seen(sim) == [[digest(photo(2 * MB))]]
    assert downloads(sim) == ["fault:cut", "ok"]
    assert Piece.objects.count() == 2


def test_a_long_one_parks_the_turn_and_is_told_once(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.BREAKER_LEAST_CALLS = 50  # three failures among five calls would open it
    sim.telegram.fail(status=502, method="file")
    sim.telegram.photo(way.ANA, "Look")
    for _ in range(3):
        way.all_the_way(telegram)
        way.hurry()
    assert answers(sim) == [phrase("fetching", "pt")]
    assert turn().state == Turn.State.PARKED
    assert turn().reason.startswith("telegram: ")
    sim.telegram.heal()
    sweep.hurry("telegram")
    way.answer()
    assert answers(sim)[1:] == ["You said: [photo, 1 kB] Look"]
    assert len(sim.models.calls()) == 1


def test_a_429_is_waited_for_and_pauses_the_bot(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.fail(status=429, method="getFile", retry_after=30, count=1)
    sim.telegram.photo(way.ANA)
    way.fetch(telegram)
    way.dispatch()
    way.answer()
    left = Turn.objects.annotate(left=F("due_at") - Now()).get().left  # type: ignore[attr-defined]
    assert timedelta(seconds=25) < left <= timedelta(seconds=30)
    assert limits.limiter().snapshot([f"telegram:bot:{TOKEN.partition(':')[0]}"])[0].paused_s > 20
    assert (answers(sim), downloads(sim)) == ([], [])


@pytest.mark.parametrize("method", ["getFile", "file"])
def test_a_file_that_is_gone_is_told_to_the_model_as_such(
    telegram: Channel, sim: Simulator, method: str
) -> None:
    if method == "getFile":
        sim.telegram.fail(status=400, method="getFile", description="Bad Request: wrong file_id")
    else:
        sim.telegram.fail(status=404, method="file")
    sim.telegram.photo(way.ANA, "Look")
    way.all_the_way(telegram)
    assert answers(sim) == [f"You said: [photo, 1 kB, cannot be understood here: {reasons.GONE}] Look"]
    assert (Attachment.objects.get().reason, seen(sim)) == (reasons.GONE, [[]])


def test_what_cannot_be_fetched_for_a_day_is_given_up(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.fail(status=502, method="getFile")
    sim.telegram.photo(way.ANA, "Look")
    way.fetch(telegram)
    way.dispatch()
    Attachment.objects.update(created_at=Now() - timedelta(hours=25))
    way.answer()
    assert Attachment.objects.get().reason == reasons.TOO_LONG_AWAY
    assert len(answers(sim)) == len(sim.models.calls()) == 1


def test_what_kills_workers_is_left_before_the_turn_is_given_up(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.photo(way.ANA, "Look")
    way.fetch(telegram)
    way.dispatch()
    Attachment.objects.update(attempts=2)  # two claims that never came to an end
    way.answer()
    assert Attachment.objects.get().reason == reasons.CRASHED
    assert len(answers(sim)) == 1
    assert downloads(sim) == []


# Local mode, odd paths, the token


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/var/lib/telegram-bot-api/42/photos/1.jpg", reasons.LOCAL),
        ("../../etc/passwd", reasons.NOT_GIVEN),
    ],
)
def test_a_path_of_the_servers_own_disk_is_refused_clearly(
    telegram: Channel,
    sim: Simulator,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    path: str,
    reason: str,
) -> None:
    sim.telegram.photo(way.ANA, "Look")
    way.fetch(telegram)
    way.dispatch()
    said = b'{"ok":true,"result":{"file_id":"x","file_path":"%s"}}' % path.encode()
    with serving(saying(answer(said))) as server:
        settings.TELEGRAM_API_URL = server.url
        row = Attachment.objects.seize(Attachment.objects.get().pk, settings.MEDIA_LEASE)
        assert row is not None
        fetching.fetch(row, telegram)
        pool(server.url).close()
    row.refresh_from_db()
    assert (row.state, row.reason) == (State.REFUSED, reason)
    assert ("--local" in caplog.text) == (reason == reasons.LOCAL)
    assert server.connections == 1


@pytest.mark.parametrize("kind", ["cut", "reset", "page", "status"])
def test_the_token_is_in_no_text(
    telegram: Channel, sim: Simulator, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.DEBUG)
    sim.telegram.fail(kind, method="file")  # type: ignore[arg-type]
    sim.telegram.photo(way.ANA)
    for _ in range(3):
        way.all_the_way(telegram)
        way.hurry()
    told = f"{caplog.text} {turn().reason} {Attachment.objects.get().reason} {BotApi(TOKEN)!r}"
    assert "file: " in told
    assert TOKEN.partition(":")[2] not in told


# Who fetches what no turn waits for


@pytest.fixture
def with_a_person(telegram: Channel) -> Channel:
    telegram.routing = Channel.Routing.QUEUE
    telegram.queue = telegram.tenant.queues.create(slug="people", name="People")
    telegram.save()
    return telegram


def test_what_a_person_will_answer_is_fetched_by_a_worker_and_read_by_nobody(
    with_a_person: Channel, sim: Simulator
) -> None:
    sim.telegram.photo(way.ANA, "Look")
    sim.telegram.voice(way.ANA, b"OggS hello")
    way.all_the_way(with_a_person)
    assert Conversation.objects.get().handler == Conversation.Handler.QUEUE
    assert downloads(sim) == []
    assert Attachment.objects.due().count() == 2
    assert fetchers.fetch_all() == 2
    pictured, spoken = Attachment.objects.order_by("pk")
    assert (pictured.bytes(), spoken.bytes()) == (PHOTO, b"OggS hello")
    assert {pictured.state, spoken.state} == {State.FETCHED}
    assert (Message.objects.last() or Message()).text == ""
    assert (fetchers.fetch_all(), downloads(sim)) == (0, ["ok", "ok"])
    assert (answers(sim), sim.models.calls()) == ([], [])


def test_a_turn_has_a_minute_before_a_worker_comes(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.photo(way.ANA)
    way.fetch(telegram)
    way.dispatch()
    assert Attachment.objects.due().count() == 0
    Attachment.objects.update(due_at=Now())
    assert fetchers.fetch_all() == 1
    way.answer()
    assert downloads(sim) == ["ok"]
    assert seen(sim) == [[digest(PHOTO)]]


def test_nobody_fetches_what_another_is_fetching(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    sim.telegram.photo(way.ANA)
    way.fetch(telegram)
    way.dispatch()
    mine = Attachment.objects.seize(Attachment.objects.get().pk, settings.MEDIA_LEASE)
    assert mine is not None
    way.answer()
    assert (answers(sim), downloads(sim), turn().state) == ([], [], Turn.State.PARKED)
    fetching.fetch(mine, telegram)
    way.hurry()
    way.answer()
    assert (len(answers(sim)), downloads(sim)) == (1, ["ok"])


def test_whoever_lost_the_lease_writes_no_piece(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    sim.telegram.photo(way.ANA, "", photo(2 * MB))
    way.fetch(telegram)
    way.dispatch()
    slow = Attachment.objects.seize(Attachment.objects.get().pk, settings.MEDIA_LEASE)
    assert slow is not None
    Attachment.objects.update(due_at=Now())
    way.answer()
    with pytest.raises(LostLease):
        fetching.put(slow, 0, b"late")
    assert Attachment.objects.get().bytes() == photo(2 * MB)


def test_no_more_files_are_in_hand_than_fit(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.photo(way.ANA)
    way.fetch(telegram)
    way.dispatch()
    for _ in range(4):
        assert attending.places().acquire(blocking=False)
    try:
        way.answer()
        assert (downloads(sim), answers(sim), turn().state) == ([], [], Turn.State.PARKED)
    finally:
        for _ in range(4):
            attending.places().release()
    way.hurry()
    way.answer()
    assert len(answers(sim)) == 1
