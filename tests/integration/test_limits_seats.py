"""Seats, on the twin in memory and on a real Valkey alike."""

import pytest

from khronos.resilience.limits import Claim, Seats, Window
from tests.integration.limits_stage import STORES, Stage

SEATS = Claim("model:seats", Seats(2, lease_s=30), most_waiting=4)
MINUTE = Claim("model:minute", Window(2, 60), shared=True)


@pytest.fixture(params=STORES)
def stage(request: pytest.FixtureRequest) -> Stage:
    return Stage.on(request.param, lambda: request.getfixturevalue("bus"))


def waiting(stage: Stage) -> int:
    return stage.limiter.snapshot([SEATS.name])[0].waiting


def held(stage: Stage) -> int:
    return stage.limiter.snapshot([SEATS.name])[0].used


def test_so_many_at_once_and_no_more(stage: Stage) -> None:
    assert [stage.ask(token, SEATS).granted for token in "abc"] == [True, True, False]
    assert stage.ask("c", SEATS).blocked_by == "model:seats"
    assert (held(stage), waiting(stage)) == (2, 1)


def test_release_wakes_the_oldest_of_the_line_and_nobody_else(stage: Stage) -> None:
    for token in "abcde":
        stage.ask(token, SEATS)
    assert stage.limiter.release("a") == ["c"]
    assert [stage.ask(token, SEATS).granted for token in ("e", "d", "new", "c")] == [
        False,
        False,
        False,
        True,
    ]
    assert stage.limiter.release("b") == ["d"]
    assert stage.limiter.release("c") == ["e"]
    assert stage.limiter.release("c") == []


def test_asking_again_keeps_one_place_in_the_line(stage: Stage) -> None:
    for token in "abccdc":
        stage.ask(token, SEATS)
    assert waiting(stage) == 2
    assert stage.limiter.release("a") == ["c"]


def test_woken_one_that_does_not_come_blocks_nobody_for_longer_than_the_grace(stage: Stage) -> None:
    for token in "abcd":
        stage.ask(token, SEATS)
    assert stage.limiter.release("a") == ["c"]
    stage.clock.advance(0.999)
    assert not stage.ask("d", SEATS).granted
    stage.clock.advance(0.001)
    assert stage.ask("d", SEATS).granted
    assert not stage.ask("c", SEATS).granted


def test_seat_of_a_dead_holder_ends_by_its_lease(stage: Stage) -> None:
    stage.ask("dead", SEATS)
    stage.clock.advance(20)
    for token in "abc":
        stage.ask(token, SEATS)
    assert waiting(stage) == 2
    stage.clock.advance(10)
    late = stage.ask("c", SEATS)  # finds it free, but another's turn
    assert (late.granted, late.wake) == (False, ("b",))
    assert stage.ask("b", SEATS).granted
    assert stage.limiter.release("dead") == []
    assert held(stage) == 2


def test_who_asks_again_has_a_new_lease(stage: Stage) -> None:
    stage.ask("a", SEATS)
    stage.clock.advance(29)
    assert stage.ask("a", SEATS).granted
    stage.clock.advance(29)
    assert held(stage) == 1
    stage.clock.advance(1)
    assert held(stage) == 0


def test_wait_is_estimated_from_place_and_mean_hold_and_bounded_by_the_lease(stage: Stage) -> None:
    for token in "ab":
        stage.ask(token, SEATS)
    stage.clock.advance(4)
    stage.limiter.release("a")
    stage.ask("c", SEATS)
    assert [stage.ask(token, SEATS).wait_s for token in "def"] == [2.0, 4.0, 6.0]
    stage.clock.advance(25.9)
    stage.ask("c", SEATS)
    stage.limiter.release("b")
    assert all(stage.ask(token, SEATS).wait_s <= 30 for token in "efgh")


def test_full_line_notes_nobody(stage: Stage) -> None:
    for token in "abcdef":
        stage.ask(token, SEATS)
    refused = stage.ask("g", SEATS)
    assert (refused.granted, refused.full) == (False, True)
    assert 0 < refused.wait_s <= 30
    assert waiting(stage) == 4
    assert not stage.ask("f", SEATS).full


def test_learned_limit_opens_more_seats_and_closes_them_again(stage: Stage) -> None:
    stage.limiter.learn(SEATS.name, 3, 60)
    assert [stage.ask(token, SEATS).granted for token in "abcd"] == [True, True, True, False]
    stage.limiter.learn(SEATS.name, 1, 60)
    assert [stage.limiter.release(token) for token in "abc"] == [[], [], ["d"]]


def test_pause_keeps_the_line_waiting_until_its_end(stage: Stage) -> None:
    for token in "abc":
        stage.ask(token, SEATS)
    stage.limiter.pause(SEATS.name, 10)
    assert stage.limiter.release("a") == []
    assert [stage.ask(token, SEATS).wait_s for token in "cd"] == [10.0, 10.0]
    stage.clock.advance(10)
    refused = stage.ask("d", SEATS)
    assert (refused.granted, refused.wake) == (False, ("c",))
    assert stage.ask("c", SEATS).granted


def test_woken_one_who_finds_a_pause_keeps_the_seat_until_its_end(stage: Stage) -> None:
    for token in "abcd":
        stage.ask(token, SEATS)
    assert stage.limiter.release("a") == ["c"]
    stage.limiter.pause(SEATS.name, 10)
    assert stage.ask("c", SEATS).wait_s == 10.0
    assert (held(stage), waiting(stage)) == (2, 1)
    stage.clock.advance(10)
    assert [stage.ask(token, SEATS).granted for token in "dc"] == [False, True]


def test_window_that_refuses_holds_the_seat_until_the_place(stage: Stage) -> None:
    for token in "ab":
        stage.ask(token, SEATS, MINUTE)
        stage.limiter.release(token)
    stage.clock.advance(10)
    assert [stage.ask(token, SEATS, MINUTE).wait_s for token in "cd"] == [50.0, 50.0]
    assert stage.ask("e", SEATS, MINUTE).blocked_by == "model:seats"
    stage.clock.advance(50)
    assert [stage.ask(token, SEATS, MINUTE).granted for token in "cd"] == [True, True]
    assert stage.limiter.release("c") == ["e"]
    assert stage.ask("e", SEATS, MINUTE).wait_s == 60.0


def test_seat_that_is_refused_takes_nothing_from_the_window(stage: Stage) -> None:
    wide = Claim("wide", Window(10, 60), shared=True)
    for token in "abcd":
        stage.ask(token, SEATS, wide)
    usage = stage.limiter.snapshot(["wide"])[0]
    assert (usage.used, usage.waiting) == (2, 0)


def test_seat_whose_token_lost_its_place_is_free_again(stage: Stage) -> None:
    for token in "ab":
        stage.ask(token, SEATS, MINUTE)
        stage.limiter.release(token)
    stage.ask("c", SEATS, MINUTE)
    assert held(stage) == 1
    stage.clock.advance(61)
    assert held(stage) == 0


@pytest.mark.parametrize(
    "claims", [[SEATS, Claim("x", Seats(1, 1))], [MINUTE, Claim(MINUTE.name, Window(9, 1))]]
)
def test_claims_that_make_no_sense_are_refused_loudly(stage: Stage, claims: list[Claim]) -> None:
    with pytest.raises(ValueError, match="claim"):
        stage.limiter.ask("a", claims)
