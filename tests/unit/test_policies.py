"""Decisions as tables."""

import pytest

from khronos.agents.context import alternating
from khronos.agents.providers.base import Line
from khronos.agents.think import Away, verdict
from khronos.conversation.commands import COMMANDS
from khronos.conversation.patience import waiting_time
from khronos.conversation.phrases import PHRASES
from khronos.conversation.wishes import NAMES, name_of
from khronos.delivery.policy import Later, Never, after_failure
from khronos.exceptions import Ambiguous, Blocked, Failure, Permanent, Transient, Unauthorized
from khronos.models import Delivery, Message


@pytest.mark.parametrize(
    ("failure", "edits", "doubtful", "expected"),
    [
        (Transient("429", retry_after=7), False, False, 7.0),
        (Transient("refused"), False, False, pytest.approx(2.0, rel=0.2)),
        (Ambiguous("timeout"), True, False, pytest.approx(2.0, rel=0.2)),
        (Ambiguous("timeout"), False, False, 5.0),
        (Ambiguous("timeout"), False, True, None),
        (Unauthorized("401"), False, False, 300.0),
        (Blocked("403"), False, False, None),
        (Permanent("400"), True, False, None),
    ],
)
def test_fate_of_a_delivery(failure: Failure, edits: bool, doubtful: bool, expected: float | None) -> None:
    fate = after_failure(failure, Delivery(doubtful=doubtful), edits=edits)
    if expected is None:
        assert isinstance(fate, Never)
    else:
        assert isinstance(fate, Later)
        assert fate.after.total_seconds() == expected


def test_only_an_ambiguous_send_makes_a_delivery_doubtful() -> None:
    later = after_failure(Ambiguous("reset"), Delivery(), edits=False)
    assert isinstance(later, Later)
    assert later.changes == {"doubtful": True}


@pytest.mark.parametrize(
    ("failures", "retry_after", "needs_operator"),
    [
        ([Transient("529", retry_after=9), Transient("503")], 9, False),
        ([Unauthorized("401"), Transient("503")], None, False),
        ([Unauthorized("401")], None, True),
        ([Unauthorized("401"), Permanent("400")], None, True),
    ],
)
def test_models_that_are_away(
    failures: list[Exception], retry_after: float | None, needs_operator: bool
) -> None:
    away = verdict([("some", failure) for failure in failures])
    assert isinstance(away, Away)
    assert (away.retry_after, away.needs_operator) == (retry_after, needs_operator)


def test_question_that_every_model_refuses_is_not_asked_for_ever() -> None:
    assert type(verdict([("a", Permanent("400")), ("b", Permanent("413"))])) is Permanent


def test_parked_turns_do_not_come_back_all_at_once() -> None:
    waits = {waiting_time(3, Away("529", None, needs_operator=False)) for _ in range(20)}
    assert len(waits) > 10


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/start", "start"),
        ("/START now", "start"),
        ("/help@our_bot please", "help"),
        ("/", ""),
        ("/ hm", "hm"),
        ("not /help", ""),
        ("", ""),
    ],
)
def test_name_of_a_command(text: str, name: str) -> None:
    assert name_of(Message(text=text)) == name


def test_every_command_that_is_known_by_name_is_obeyed() -> None:
    assert set(COMMANDS) == NAMES


def test_every_command_has_words_in_both_languages() -> None:
    assert {"start", "help"} <= set(PHRASES)
    assert all(set(texts) == {"en", "pt"} for texts in PHRASES.values())


def test_dialogue_alternates_and_begins_with_the_person() -> None:
    lines = [Line("assistant", "a"), Line("user", "b"), Line("user", "c"), Line("assistant", "d")]
    assert alternating(lines) == [Line("user", "b\nc"), Line("assistant", "d")]
