"""A minute of chaos from a fixed seed, in each mode: whatever breaks, every promise holds."""

import pytest
from rich.console import Console

from bench.chaos.run import Mode, Order, play, staged
from bench.chaos.screen import Screen

SECONDS = 60.0


@pytest.mark.slow
@pytest.mark.timeout(360)
@pytest.mark.parametrize(("mode", "seed"), [("edit", 7), ("send", 11)])
def test_every_promise_holds_while_everything_breaks(mode: Mode, seed: int) -> None:
    order = Order(seed, SECONDS, mode, chats=30, rate=6.0)
    with staged(order) as (world, khronos):
        outcome = play(order, world, khronos, Screen(Console(width=120)))
    assert {finding.name: finding.breaches for finding in outcome.findings if not finding.holds} == {}
    assert outcome.rested_s is not None
    verdict = outcome.verdict
    assert (verdict.sent, verdict.undelivered) == (verdict.accepted, [])
    assert verdict.deliveries > verdict.accepted
    if mode == "edit":
        assert (verdict.answered, verdict.lost, verdict.repeated) == (verdict.accepted, [], [])
    struck = [each for each in outcome.struck if not each.missing]
    assert len(struck) >= 10
    assert all(each.recovery_s is not None for each in struck)
