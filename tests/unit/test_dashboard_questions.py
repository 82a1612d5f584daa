"""Questions asked beside one another: one that hangs holds up nobody, and many viewers cost one answer."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from khronos.desk.dashboard.questions import DEADLINE_S, FRESH_S, Board, Question

VIEWERS = 40
HANGS_S = 10


class Asked:
    """Answers how often it was asked; hangs or fails when it is told to."""

    def __init__(self) -> None:
        self.count = 0
        self.may_go = threading.Event()
        self.may_go.set()
        self.error: Exception | None = None

    def __call__(self) -> int:
        self.may_go.wait(HANGS_S)
        if self.error is not None:
            raise self.error
        self.count += 1
        return self.count


@pytest.fixture
def asked() -> Iterator[Asked]:
    it = Asked()
    yield it
    it.may_go.set()


def aged(board: Board) -> None:
    """As if nobody had looked for a while."""
    board.looked_at -= FRESH_S
    for question in board.questions.values():
        question.due_at = 0.0


def test_one_answer_serves_all_who_look_within_a_second(asked: Asked) -> None:
    board = Board({"it": Question(asked)})
    with ThreadPoolExecutor(VIEWERS) as viewers:
        answers = [each.result()["it"] for each in [viewers.submit(board.look) for _ in range(VIEWERS)]]
    assert {(answer.ok, answer.data, answer.error) for answer in answers} == {(True, 1, "")}
    assert asked.count == 1
    aged(board)
    assert board.look()["it"].data == 2


def test_what_hangs_keeps_its_last_answer_marked_as_old_and_holds_up_nobody(asked: Asked) -> None:
    other = Asked()
    board = Board({"hangs": Question(asked), "works": Question(other)})
    board.look()
    asked.may_go.clear()
    aged(board)
    began = time.monotonic()
    answers = board.look()
    assert DEADLINE_S <= time.monotonic() - began < HANGS_S / 2
    hangs, works = answers["hangs"], answers["works"]
    assert (hangs.ok, hangs.data, hangs.error) == (False, 1, f"no answer within {DEADLINE_S} s")
    assert hangs.age_s is not None
    assert hangs.age_s >= DEADLINE_S
    assert (works.ok, works.data) == (True, 2)
    before = threading.active_count()
    aged(board)
    board.look()
    assert threading.active_count() == before  # no second thread for what hangs
    asked.may_go.set()
    assert board.questions["hangs"].answered.wait(5)
    assert (asked.count, board.questions["hangs"].wait(0).ok) == (2, True)


def test_viewers_do_not_wait_one_after_another_for_what_hangs(asked: Asked) -> None:
    asked.may_go.clear()
    board = Board({"hangs": Question(asked)})
    began = time.monotonic()
    with ThreadPoolExecutor(VIEWERS) as viewers:
        answers = [each.result()["hangs"] for each in [viewers.submit(board.look) for _ in range(VIEWERS)]]
    assert time.monotonic() - began < HANGS_S / 2
    assert {answer.ok for answer in answers} == {False}


def test_what_was_never_answered_is_not_known(asked: Asked) -> None:
    asked.error = ValueError("no such thing")
    answer = Board({"it": Question(asked)}).look()["it"]
    assert (answer.ok, answer.data, answer.age_s) == (False, None, None)
    assert answer.error == "ValueError: no such thing"


def test_what_failed_is_asked_again_with_the_next_look(asked: Asked) -> None:
    board = Board({"it": Question(asked, fresh_s=3600)})
    asked.error = ValueError("no")
    assert not board.look()["it"].ok
    asked.error = None
    question = board.questions["it"]
    assert question.due_at - time.monotonic() <= FRESH_S
    aged(board)
    assert board.look()["it"].data == 1


def test_what_is_dear_is_asked_less_often() -> None:
    def think() -> None:
        until = time.thread_time() + 0.2
        while time.thread_time() < until:
            pass

    question = Question(think)
    question.put()
    assert question.wait(time.monotonic() + 5).ok
    assert question.due_at - time.monotonic() > 2.0
    question.put()
    assert question.answered.is_set()  # nobody asks
