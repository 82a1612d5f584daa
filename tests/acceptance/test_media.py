"""Files through real processes: each is understood or refused, and a death amid a download costs time."""

from hashlib import sha256

import pytest

from bench.patience import until
from bench.simulator.telegram.pictures import PHOTO, photo
from khronos.conversation.phrases import phrase
from tests.acceptance.conftest import house
from tests.acceptance.stage import Stage, clean
from tests.unit.test_knowledge_reading import pdf

ANA, BOB = 41, 42
SCRIBE = {
    "TRANSCRIBER": "openai",
    "TRANSCRIBER_API_KEY": "sk-simulated",
    "TRANSCRIBER_MODEL": "whisper-1",
    "KHRONOS_CRASH_AT": "@next",
}
SOON_S = 30.0


@pytest.fixture
def listening() -> Stage:
    return house.open(env=SCRIBE)


def answers(stage: Stage, chat: int, count: int) -> list[str]:
    assert stage.world.wait_until(lambda: len(stage.world.telegram.answers(chat)) >= count, SOON_S)
    return stage.world.telegram.answers(chat)


def test_each_kind_is_understood_or_refused_and_a_killed_agent_fetches_again(listening: Stage) -> None:
    stage, telegram = listening, listening.world.telegram
    telegram.photo(ANA, "Que bolo é este?")
    assert answers(stage, ANA, 1) == ["You said: [photo, 1 kB] Que bolo é este?"]
    assert stage.world.models.calls("anthropic")[0].images == [sha256(PHOTO).hexdigest()]
    telegram.document(ANA, "conta.pdf", pdf("Conta 17 de novembro"), "E isto?", mime_type="application/pdf")
    assert "Conta 17 de novembro" in answers(stage, ANA, 2)[1]
    telegram.document(ANA, "filme.pdf", bytes(25 * 1024**2), mime_type="application/pdf")
    assert answers(stage, ANA, 3)[2] == phrase("too_large", "pt").format(most=20)
    telegram.voice(ANA, "OggS cadê meu pedido?".encode())
    assert answers(stage, ANA, 4)[3].endswith("in these words:] OggS cadê meu pedido?")
    assert [call.outcome for call in telegram.calls("file")] == ["ok"] * 3  # not the large one

    crashes, pid = stage.khronos.home.run / "crashes", stage.khronos.pid("agent")
    crashes.mkdir(exist_ok=True)
    (crashes / "next").write_text("media.piece:2")
    picture = photo(3_500_000, b"kill")
    telegram.photo(BOB, "Olha", picture)
    assert until((crashes / "media.piece").exists, SOON_S)
    stage.khronos.wait_back("agent", pid)
    assert answers(stage, BOB, 1) == ["You said: [photo, 3,500 kB] Olha"]
    assert until(lambda: stage.troubles() == clean(), SOON_S), stage.troubles()
    assert len(answers(stage, BOB, 1)) == 1
    asked = [call.images for call in stage.world.models.calls("anthropic") if "Olha" in call.question]
    assert asked == [[sha256(picture).hexdigest()]]
    query = "SELECT state, attempts, size FROM khronos_attachment ORDER BY id DESC LIMIT 1"
    assert stage.khronos.sql(query) == [("read", 2, 3_500_000)]
    pieces = "SELECT count(*), sum(length(raw)) FROM khronos_piece GROUP BY attachment_id ORDER BY 2 DESC"
    assert stage.khronos.sql(pieces)[0] == (4, 3_500_000)
