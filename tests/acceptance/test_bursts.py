"""Many people at once: every message is answered once, in order, whatever Telegram repeats."""

import pytest

from bench.patience import until
from tests.acceptance.stage import Stage, clean, exact, figures
from tests.stopwatch import Stopwatch

CHATS = range(11, 21)
LISTENERS = range(31, 36)


def test_thrice_delivered_updates_are_answered_once(stage: Stage) -> None:
    stage.world.telegram.deliver(copies=3)
    stage.play(40, 10)
    verdict = stage.finish(90)
    assert figures(verdict) == exact(400)
    assert verdict.deliveries >= 1200  # more where a busy machine had to be asked again
    assert stage.troubles() == clean()
    assert stage.count("update") == 400
    assert stage.count("message", "author = 'contact'") == 400


def test_copies_that_come_together_are_answered_once(stage: Stage) -> None:
    stage.world.telegram.deliver(copies=3, together=True)
    stage.play(20, 5)
    verdict = stage.finish()
    assert figures(verdict) == exact(100)
    assert verdict.deliveries >= 300
    assert stage.count("update") == 100
    assert stage.troubles() == clean()


def test_acceptances_lost_on_their_way_are_no_new_messages(stage: Stage) -> None:
    stage.world.telegram.deliver(deaf_chance=0.3)
    stage.play(20, 5)
    verdict = stage.finish()
    assert figures(verdict) == exact(100)
    assert verdict.deliveries > 100
    assert stage.count("update") == 100
    assert stage.troubles() == clean()


def test_thirty_strangers_at_once_are_each_answered(stage: Stage) -> None:
    stage.play(30, 1)
    verdict = stage.finish()
    assert figures(verdict) == exact(30)
    assert stage.count("turn") == stage.count("delivery") == 30
    assert len(stage.world.models.calls()) == len(stage.world.telegram.calls("sendMessage")) == 30
    assert stage.troubles() == clean()


def test_what_is_said_during_a_turn_is_answered_together_in_the_next(stage: Stage) -> None:
    stage.world.models.hold()
    first = {chat: stage.say(chat, 1) for chat in CHATS}
    stage.thinking(len(CHATS))
    more = {chat: [stage.say(chat, number) for number in (2, 3, 4)] for chat in CHATS}
    stage.dispatched(4 * len(CHATS))
    stage.world.models.let_go()
    verdict = stage.finish()
    assert figures(verdict) == exact(4 * len(CHATS))
    for chat in CHATS:
        together = "\n".join(more[chat])
        assert stage.world.telegram.answers(chat) == [f"You said: {first[chat]}", f"You said: {together}"]
    assert len(stage.world.models.calls()) == stage.count("turn") == 2 * len(CHATS)
    assert stage.troubles() == clean()


def test_long_answers_arrive_whole_in_order_and_without_pauses(stage: Stage) -> None:
    """The sweeper looks in between the parts: whoever sends one then sends the rest."""
    answer = "\n\n".join(f"{number} " + "word " * 700 for number in range(12))
    stage.world.models.reply(answer, times=None)
    stage.world.telegram.fail("delay", method="sendMessage", seconds=0.2)
    for chat in LISTENERS:
        stage.world.telegram.say(chat, "tell me all")
    with Stopwatch() as watch:
        assert until(lambda: stage.count("delivery", "state = 'sent'") == 12 * len(LISTENERS), 30)
    assert watch.took_s < 12
    for chat in LISTENERS:
        parts = stage.world.telegram.answers(chat)
        assert [part.split()[0] for part in parts] == [str(number) for number in range(12)]
    stage.finish()
    assert stage.troubles() == clean()


@pytest.mark.parametrize("kind", ["lost", "reset"])
def test_an_answer_whose_receipt_is_lost_is_not_shown_twice_in_edit_mode(editing: Stage, kind: str) -> None:
    editing.world.telegram.fail(kind, method="editMessageText", count=10)  # type: ignore[arg-type]
    editing.play(20, 3)
    verdict = editing.finish()
    assert figures(verdict) == exact(60)
    assert editing.troubles() == clean()
