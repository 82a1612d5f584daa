"""A library is read while people write: no reply waits for it, and a death amid it costs what was in hand."""

from bench.instance import Instance
from bench.knowledge.meanwhile import EMBEDDED, UNREAD, finish, give, replies
from bench.patience import until
from bench.simulator.remote import Remote
from tests.acceptance.conftest import house

VECTORS = "SELECT id, vector FROM khronos_chunk WHERE code IS NOT NULL"
AT_WORK = "SELECT count(*) FROM khronos_document WHERE state = 'working'"
DOCUMENTS, PIECES = 100, 20
IN_HAND = 10 * 16  # pieces at the embedder, at most
BACK_S = 20.0  # far below the lease: what a killed process held is not waited for


def test_replies_do_not_wait_for_a_library_and_a_death_amid_it_costs_what_was_in_hand() -> None:
    stage = house.open(env={"EMBEDDINGS_AT_ONCE": "10"})  # an instance of its own
    world, khronos = Remote(stage.world.url), stage.khronos
    give(khronos, "Known", 1, 20)
    finish(khronos)
    quiet = replies(world, khronos, 20, "a")
    give(khronos, "Library", DOCUMENTS, PIECES)
    busy = replies(world, khronos, 30, "b")
    assert busy.pieces > 0
    assert khronos.sql(UNREAD)[0][0] > 10
    assert busy.median < quiet.median + 0.5
    assert busy.slowest < quiet.slowest + 1.5
    for name in ("embedder", "worker"):
        goes_on_after(khronos, name)
    finish(khronos)
    assert khronos.rows("document") == {"ready": 1 + DOCUMENTS}
    assert khronos.sql(EMBEDDED) == [((1 + DOCUMENTS) * PIECES,)]


def goes_on_after(khronos: Instance, name: str) -> None:
    """Soon, and nothing is embedded again that had its vector."""
    assert khronos.sql(AT_WORK) != [(0,)]
    killed = khronos.kill(name)
    kept = dict(khronos.sql(VECTORS))
    khronos.wait_back(name, killed)
    assert until(lambda: khronos.sql(EMBEDDED)[0][0] > len(kept) + IN_HAND, BACK_S)
    now = dict(khronos.sql(VECTORS))
    assert all(now[pk] == vector for pk, vector in kept.items())
