"""The verdict sees what was lost, repeated, out of order or shown to the wrong person, and nothing else."""

from bench.simulator.telegram.chat import Message, Version
from bench.simulator.telegram.ledger import Attempt, Update
from bench.simulator.verdict import Verdict, judge

TOKEN = "1:simulated"


def asked(number: int, chat_id: int = 1, *, accepted_at: float | None = 100.0) -> Update:
    marker = f"[c{chat_id:02d}-m{number:02d}]"
    state = "accepted" if accepted_at is not None else "pending"
    return Update(
        update_id=number,
        token=TOKEN,
        chat_id=chat_id,
        kind="message",
        queue=("message", chat_id),
        body=b"{}",
        text=f"What is the price? {marker}",
        pushed_at=99.0,
        attempts=[Attempt(99.5, 200, "", 0.1)],
        state=state,  # type: ignore[arg-type]
        accepted_at=accepted_at,
    )


def answer(message_id: int, *texts: str, at: float = 101.0) -> Message:
    versions = [Version(text, at + number) for number, text in enumerate(texts)]
    return Message(message_id, 1, True, "text", versions, {})


def verdict(updates: list[Update], *screen: Message, chat_id: int = 1) -> Verdict:
    return judge(updates, {(TOKEN, chat_id): screen})


def test_every_question_answered_once_is_good() -> None:
    result = verdict([asked(1), asked(2)], answer(10, "You said: [c01-m01]"), answer(11, "Yes: [c01-m02]"))
    assert (result.good, result.accepted, result.answered) == (True, 2, 2)
    assert result.latencies == [1.0, 1.0]


def test_one_answer_may_serve_several_questions() -> None:
    result = verdict([asked(1), asked(2)], answer(10, "[c01-m01] and [c01-m02]"))
    assert (result.good, result.answered) == (True, 2)


def test_unanswered_is_lost_only_when_it_was_accepted() -> None:
    result = verdict([asked(1), asked(2, accepted_at=None)])
    assert result.lost == ["[c01-m01]"]
    assert result.undelivered == ["[c01-m02]"]
    assert not result.good


def test_an_apology_is_no_answer() -> None:
    result = verdict([asked(1)], answer(10, "Sorry, I am busy."), answer(11, "Sorry, I am busy."))
    assert result.lost == ["[c01-m01]"]
    assert result.repeated == []
    assert result.repeated_notices == 1


def test_a_marker_in_two_messages_is_repeated() -> None:
    result = verdict([asked(1)], answer(10, "[c01-m01]"), answer(11, "again [c01-m01]"))
    assert (result.repeated, result.answered, result.good) == (["[c01-m01]"], 1, False)


def test_order_is_that_of_the_questions() -> None:
    result = verdict([asked(1), asked(2)], answer(10, "[c01-m02]"), answer(11, "[c01-m01]"))
    assert (result.out_of_order, result.lost) == (["[c01-m01]"], [])


def test_an_edited_placeholder_counts_from_the_edit() -> None:
    result = verdict([asked(1)], answer(10, "…", "You said: [c01-m01]", at=101.0))
    assert result.latencies == [2.0]


def test_an_answer_in_someone_elses_chat_is_misdirected() -> None:
    result = judge(
        [asked(1), asked(2, chat_id=2)],
        {(TOKEN, 1): [answer(10, "[c01-m01] [c02-m02]")], (TOKEN, 2): []},
    )
    assert result.misdirected == ["[c02-m02]"]
    assert result.lost == ["[c02-m02]"]


def test_a_persons_own_words_are_no_answer() -> None:
    own = Message(10, 1, False, "text", [Version("[c01-m01]", 99.0)], {})
    assert verdict([asked(1)], own).lost == ["[c01-m01]"]


def test_an_edited_question_is_one_question() -> None:
    first, edited = asked(1), asked(1)
    result = verdict([first, edited], answer(10, "[c01-m01]"))
    assert (result.sent, result.answered, result.good) == (1, 1, True)


def test_questions_of_a_chat_without_a_screen_are_lost() -> None:
    assert judge([asked(1)], {}).lost == ["[c01-m01]"]


def test_percentiles_are_nearest_rank() -> None:
    result = Verdict(latencies=[float(n) for n in range(1, 101)])
    assert (result.percentile(50), result.percentile(95), result.percentile(99)) == (50.0, 95.0, 99.0)
    assert Verdict().percentile(99) == 0.0


def test_table_names_the_troubles() -> None:
    table = verdict([asked(1)]).table()
    assert "lost: [c01-m01]" in table
    assert "p95" in table
