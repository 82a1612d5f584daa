"""A minute of chaos from a fixed seed: whatever breaks, every promise holds."""

import pytest
from rich.console import Console

from bench.chaos import crowd, plan
from bench.chaos.run import Order, play, staged
from bench.chaos.screen import Screen

SEED = 27  # an agent is frozen for longer than its lease


@pytest.mark.timeout(360)
def test_every_promise_holds_while_everything_breaks() -> None:
    order = Order(SEED, seconds=60.0, chats=30, rate=6.0)
    with staged(order) as (world, khronos):
        outcome = play(order, world, khronos, Screen(Console(width=120)))
    assert {finding.name: finding.breaches for finding in outcome.findings if not finding.holds} == {}
    assert outcome.rested_s is not None
    assert [each.fault for each in outcome.struck] == list(plan.make(SEED, order.seconds).faults)
    canaries = [each for each in outcome.struck if not each.missing]
    assert all(each.recovery_s is not None for each in canaries)
    verdict = outcome.verdict
    said = len(crowd.lines(SEED, order.seconds, order.chats, order.rate)) + len(canaries)
    assert (verdict.sent, verdict.accepted, verdict.answered) == (said, said, said)
    assert (verdict.undelivered, verdict.lost, verdict.repeated) == ([], [], [])
    assert verdict.deliveries > said
