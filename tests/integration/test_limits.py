"""Spacings and windows, on the twin in memory and on a real Valkey alike."""

import pytest

from khronos.resilience.limits import Claim, Count, Spacing, Usage, Window
from tests.integration.limits_stage import STORES, Stage

BOT = Claim("bot", Spacing(35), shared=True)
MODEL = Claim("model", Window(3, 60), shared=True, most_waiting=5)


def chat(number: int) -> Claim:
    return Claim(f"chat:{number}", Spacing(1000))


@pytest.fixture(params=STORES)
def stage(request: pytest.FixtureRequest) -> Stage:
    return Stage.on(request.param, lambda: request.getfixturevalue("bus"))


def test_first_goes_at_once_and_the_next_when_the_spacing_is_over(stage: Stage) -> None:
    assert stage.ask("a", chat(1)).granted
    refused = stage.ask("b", chat(1))
    assert (refused.granted, refused.wait_s, refused.blocked_by, refused.full) == (
        False,
        1.0,
        "chat:1",
        False,
    )
    stage.clock.advance(0.999999)
    assert not stage.ask("b", chat(1)).granted
    stage.clock.advance(0.000001)
    assert stage.ask("b", chat(1)).granted


def test_window_counts_any_period_not_the_minutes_of_a_clock(stage: Stage) -> None:
    minute = Claim("group", Window(2, 60))
    assert stage.ask("a", minute).granted
    stage.clock.advance(59)
    assert stage.ask("b", minute).granted
    assert stage.ask("c", minute).wait_s == 1.0
    stage.clock.advance(1)
    assert stage.ask("c", minute).granted
    assert stage.ask("d", minute).wait_s == 59.0


def test_own_budget_that_refuses_takes_nothing_from_the_shared_one(stage: Stage) -> None:
    assert stage.ask("a", chat(1), BOT).granted
    stage.clock.advance(0.1)
    assert stage.ask("b", BOT, chat(1)).blocked_by == "chat:1"
    assert stage.ask("c", chat(2), BOT).granted
    assert [usage.waiting for usage in stage.limiter.snapshot(["bot", "chat:1", "chat:2"])] == [0, 0, 0]


def test_shared_budget_that_refuses_takes_nothing_from_the_own_one(stage: Stage) -> None:
    stage.ask("a", chat(1), BOT)
    refused = stage.ask("b", chat(2), BOT)
    assert (refused.wait_s, refused.blocked_by) == (0.035, "bot")
    assert stage.limiter.snapshot(["chat:2"])[0].used == 0


def test_waiters_come_one_by_one_in_order_and_ask_twice_each(stage: Stage) -> None:
    granted = stage.run({f"t{number}": (number / 10_000, [chat(number), BOT]) for number in range(200)})
    assert granted == [(f"t{number}", number * 35 / 1000) for number in range(200)]
    assert stage.asks == 1 + 2 * 199


def test_asking_again_and_again_takes_one_place_and_costs_nothing(stage: Stage) -> None:
    stage.ask("a", BOT)
    assert [stage.ask("b", BOT).wait_s for _ in range(5)] == [0.035] * 5
    stage.clock.advance(0.030)
    assert stage.ask("b", BOT).wait_s == 0.005
    assert stage.ask("c", BOT).wait_s == 0.040
    assert stage.limiter.snapshot(["bot"])[0].waiting == 2


@pytest.mark.parametrize(("late_s", "is_granted"), [(0.0, True), (1.0, True), (1.000001, False)])
def test_place_is_kept_for_the_grace(stage: Stage, late_s: float, is_granted: bool) -> None:
    for token in "abcd":
        stage.ask(token, MODEL)
    stage.clock.advance(60 + late_s)
    for token in "xyz":  # new ones, who must leave one of three to the place
        stage.ask(token, MODEL)
    assert stage.ask("d", MODEL).granted is is_granted


def test_late_ones_do_not_come_nearer_to_each_other_than_the_spacing(stage: Stage) -> None:
    for token in "abcd":
        stage.ask(token, BOT)
    stage.clock.advance(0.100)  # b and c are late, d comes in 5 ms
    assert stage.ask("c", BOT).granted
    assert stage.ask("b", BOT).wait_s == 0.035
    stage.clock.advance(0.005)
    assert stage.ask("d", BOT).wait_s == 0.065
    stage.clock.advance(0.030)
    assert stage.ask("b", BOT).granted
    assert stage.ask("d", BOT).wait_s == 0.035


def test_those_who_are_late_together_come_in_their_order_and_not_all_at_once(stage: Stage) -> None:
    for number in range(13):
        stage.ask(f"t{number}", BOT)
    stage.clock.advance(0.450)  # all twelve are late
    verdicts = [stage.ask(f"t{number}", BOT) for number in range(1, 13)]
    assert [verdict.wait_s for verdict in verdicts] == [number * 35 / 1000 for number in range(12)]
    for number in range(2, 13):
        stage.clock.advance(0.035)
        assert stage.ask(f"t{number}", BOT).granted


def test_clock_that_was_put_back_closes_nothing_for_long(stage: Stage) -> None:
    stage.ask("a", chat(1), BOT)
    stage.clock.advance(-3600)
    assert stage.ask("b", chat(1), BOT).wait_s == 1.0
    assert stage.ask("c", chat(2), BOT).wait_s == 0.035


def test_who_was_away_for_a_minute_does_not_come_all_at_once(stage: Stage) -> None:
    for number in range(100):
        stage.ask(f"t{number}", BOT)
    stage.clock.advance(60)
    verdicts = [stage.ask(f"t{number}", BOT) for number in range(100)]
    assert [verdict.granted for verdict in verdicts].count(True) == 1
    assert [verdict.wait_s for verdict in verdicts] == [number * 35 / 1000 for number in range(100)]


def test_newcomer_does_not_overtake_one_who_is_a_little_late(stage: Stage) -> None:
    stage.ask("a", BOT)
    stage.ask("b", BOT)
    stage.clock.advance(0.050)
    assert stage.ask("new", BOT).wait_s == 0.035
    assert stage.ask("b", BOT).granted


def test_busy_chat_delays_the_others_by_one_message_not_by_fifty(stage: Stage) -> None:
    busy = {f"busy{number}": (0.0, [chat(0), BOT]) for number in range(50)}
    others = {f"other{number}": (0.0, [chat(number), BOT]) for number in range(1, 21)}
    waits = dict(stage.run(busy | others))
    assert [waits[f"other{number}"] for number in range(1, 21)] == [n * 35 / 1000 for n in range(1, 21)]
    assert sorted(at for token, at in waits.items() if token in busy) == [float(n) for n in range(50)]


def test_chat_has_one_place_among_the_others_however_many_messages_wait(stage: Stage) -> None:
    stage.ask("a", chat(1), BOT)
    assert stage.ask("b", chat(2), BOT).blocked_by == "bot"
    for number in range(10):
        refused = stage.ask(f"c{number}", chat(2), BOT)
        assert (refused.blocked_by, refused.wait_s) == ("chat:2", 1.035)
    assert stage.ask("d", chat(3), BOT).wait_s == 0.070


def test_full_line_reserves_nothing(stage: Stage) -> None:
    for number in range(3 + 5):
        stage.ask(f"t{number}", MODEL)
    refused = stage.ask("late", MODEL)
    assert (refused.granted, refused.full, refused.blocked_by) == (False, True, "model")
    assert 60 <= refused.wait_s <= 120
    assert stage.ask("t7", MODEL).full is False
    assert stage.limiter.snapshot(["model"])[0].waiting == 5
    stage.clock.advance(60)
    assert stage.ask("t3", MODEL).granted
    assert stage.ask("late", MODEL).full is False


def test_pause_holds_everybody_exactly_until_its_end(stage: Stage) -> None:
    stage.limiter.pause("bot", 7.5)
    stage.limiter.pause("bot", 2)  # shorter: changes nothing
    refused = stage.ask("a", chat(1), BOT)
    assert (refused.wait_s, refused.blocked_by) == (7.5, "bot")
    assert stage.ask("x", chat(2)).granted
    stage.clock.advance(7.5)
    assert stage.ask("a", chat(1), BOT).granted


def test_pause_moves_places_behind_it_in_their_order(stage: Stage) -> None:
    for number in range(5):
        stage.ask(f"t{number}", chat(number), BOT)
    stage.limiter.pause("bot", 30)
    stage.clock.advance(0.035)
    assert stage.ask("t1", chat(1), BOT).wait_s == pytest.approx(29.965)
    assert stage.ask("new", chat(9), BOT).wait_s == pytest.approx(29.965 + 4 * 0.035)
    stage.clock.advance(29.965)
    assert stage.ask("t1", chat(1), BOT).granted
    assert stage.ask("t2", chat(2), BOT).wait_s == 0.035


def test_learned_limit_counts_for_a_while_upward_and_downward(stage: Stage) -> None:
    stage.limiter.learn("model", 5, 600)
    assert [stage.ask(f"t{number}", MODEL).granted for number in range(6)] == [True] * 5 + [False]
    stage.clock.advance(120)
    stage.limiter.learn("model", 1, 600)
    assert [stage.ask(f"u{number}", MODEL).wait_s for number in range(3)] == [0, 60, 120]
    stage.clock.advance(599.999)
    assert stage.limiter.snapshot(["model"])[0].learned == 1
    stage.clock.advance(0.001)
    assert stage.limiter.snapshot(["model"])[0].learned is None
    assert [stage.ask(f"v{number}", MODEL).granted for number in range(4)] == [True] * 3 + [False]


def test_spacing_learns_no_limit(stage: Stage) -> None:
    stage.limiter.learn("bot", 5, 600)
    assert [stage.ask(token, BOT).granted for token in "ab"] == [True, False]


def test_hits_are_counted_until_the_window_is_full(stage: Stage) -> None:
    window = Window(2, 60)
    counts = [stage.limiter.hit("contact:7", window) for _ in range(4)]
    assert counts == [
        Count(True, 1),
        Count(True, 2),
        Count(False, 2, 60.0),
        Count(False, 2, 60.0),
    ]
    stage.clock.advance(60)
    assert [stage.limiter.hit("contact:7", window).within for _ in range(4)] == [True, True, False, False]
    assert stage.limiter.hit("contact:8", window) == Count(True, 1)


def test_snapshot_tells_and_changes_nothing(stage: Stage) -> None:
    for token in "abcde":
        stage.ask(token, MODEL)
    stage.limiter.pause("model", 5)
    stage.limiter.learn("model", 4, 60)
    expected = Usage("model", 3, 3, 4, waiting=2, paused_s=5.0, refused=2)
    assert stage.limiter.snapshot(["model", "unknown"]) == [expected, Usage("unknown")]
    assert stage.limiter.snapshot(["model"]) == [expected]
