"""What the tests of `why` share: something is said, and what is told of it."""

from typing import Any

import pytest

from bench.simulator import Simulator
from khronos.desk.why import Story, explain
from khronos.models import Channel
from khronos.observability import heartbeat
from tests.integration import way

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]

ANA, BEN, GROUP = 7, 8, -50


def say(sim: Simulator, channel: Channel, *texts: str, chat: int = ANA, **more: Any) -> None:
    for text in texts:
        sim.telegram.say(chat, text, **more)
    way.fetch(channel)
    way.dispatch()


def last(chat: int = ANA) -> Story:
    return explain(f"{chat}/last")


def judged(story: Story) -> tuple[str, str]:
    return story.verdict.outcome, story.verdict.reason


def kinds(story: Story) -> list[str]:
    return [step.kind for step in story.steps]


def alive(*roles: str) -> None:
    """As if processes of these roles had given a sign of life."""
    heartbeat.last_beats.clear()
    for role in roles:
        heartbeat.beat(role)
