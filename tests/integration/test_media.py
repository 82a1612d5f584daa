"""What contacts send beside text: fetched, understood, shown to a model, and answered once."""

from hashlib import sha256
from pathlib import Path

import pytest

from bench.simulator import Simulator
from bench.simulator.telegram.pictures import photo
from khronos.models import Attachment, Channel, Piece
from tests.integration import way

pytestmark = pytest.mark.usefixtures("bus")

State = Attachment.State
PDF = Path(__file__).parents[1] / "corpus" / "one_page.pdf"


def digest(raw: bytes) -> str:
    return sha256(raw).hexdigest()


def answers(sim: Simulator) -> list[str]:
    return sim.telegram.answers(way.ANA)


def downloads(sim: Simulator) -> list[str]:
    return [call.outcome for call in sim.telegram.calls("file")]


def test_the_model_looks_at_a_photo_and_reads_its_caption(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.photo(way.ANA, "Is this cake right?", photo(3_000_000, b"cake"))
    way.all_the_way(telegram)
    (call,) = sim.models.calls()
    assert call.images == [digest(photo(3_000_000, b"cake"))]
    assert call.question == "[photo, 3,000 kB] Is this cake right?"
    assert answers(sim) == ["You said: [photo, 3,000 kB] Is this cake right?"]
    row = Attachment.objects.get()
    assert (row.state, row.media_type, row.size, row.attempts) == (State.READ, "image/jpeg", 3_000_000, 1)
    assert row.sha256 == digest(row.bytes()) == call.images[0]
    assert [len(raw) for raw in Piece.objects.order_by("number").values_list("raw", flat=True)] == [
        1024**2,
        1024**2,
        3_000_000 - 2 * 1024**2,
    ]
    assert downloads(sim) == ["ok"]


def test_text_alone_asks_for_no_file(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "hi")
    way.all_the_way(telegram)
    assert (Attachment.objects.count(), sim.telegram.calls("getFile"), downloads(sim)) == (0, [], [])
