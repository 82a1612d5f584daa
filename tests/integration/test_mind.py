"""What the assistant has in mind: passages, facts, the summary, a history that begins as it did before."""

import pytest

from bench.simulator import Simulator
from bench.simulator.models.prompt import Answer, Prompt
from khronos.knowledge import intake, work
from khronos.models import (
    Channel,
    Message,
    Tenant,
)
from tests import factories as make
from tests.integration import way
from tests.integration.test_tools import fresh, script, talk

__all__ = ["fresh"]
pytestmark = pytest.mark.usefixtures("bus")

SHOP = """# Returns

You can return anything within thirty days.

# Delivery

We deliver within five working days.
"""


def document(tenant: Tenant, text: str = SHOP, name: str = "shop.md") -> None:
    work.take(intake.add(tenant, name, text.encode(), title="Shop").pk)


def last_line(prompt: Prompt) -> str:
    return prompt.turns[-1].texts[-1]


def answers() -> list[Message]:
    return list(Message.objects.filter(author=Message.Author.BOT).order_by("pk"))


# Passages


def test_what_the_documents_say_stands_before_the_question_and_is_cited(
    telegram: Channel, sim: Simulator
) -> None:
    document(telegram.tenant)
    document(make.make_tenant(), SHOP.replace("thirty", "ninety"))
    seen = script(sim, Answer("Within thirty days [1]. Maybe more [7]."))
    talk(telegram, sim, "Can I return a boot?")
    line = last_line(seen[0])
    assert line.startswith("<context>\n")
    assert line.endswith("</context>\n\nCan I return a boot?")
    assert "<passage [1] of: Shop › Returns>\nYou can return anything within thirty days.\n</passage>" in line
    assert "ninety" not in line
    assert "thirty" not in seen[0].system
    assert sim.telegram.answers(way.ANA) == ["Within thirty days. Maybe more.\n\nSource: Shop › Returns"]
    (said,) = answers()
    assert said.sources is not None
    assert [each["cited"] for each in said.sources] == [True] + [False] * (len(said.sources) - 1)
    assert said.sources[0]["title"] == "Shop › Returns"


def test_a_tenant_may_keep_its_sources_to_itself(telegram: Channel, sim: Simulator) -> None:
    Tenant.objects.filter(pk=telegram.tenant_id).update(names_sources=False)
    document(telegram.tenant)
    script(sim, Answer("Within thirty days [1]."))
    talk(telegram, sim, "Can I return a boot?")
    assert sim.telegram.answers(way.ANA) == ["Within thirty days."]
    sources = answers()[0].sources
    assert sources is not None
    assert sources[0]["cited"]


def test_what_no_document_says_is_told_to_be_unknown(telegram: Channel, sim: Simulator) -> None:
    document(telegram.tenant)
    seen = script(sim, Answer("I do not know [1]."))
    talk(telegram, sim, "Who won the world cup in 1958?")
    assert "Our documents say nothing about this message" in last_line(seen[0])
    assert "<passage" not in last_line(seen[0])
    assert sim.telegram.answers(way.ANA) == ["I do not know."]
    assert answers()[0].sources == []


@pytest.mark.parametrize("text", ["Hello!", "I want to speak with a human", "Muito obrigado"])
def test_small_talk_asks_no_document(telegram: Channel, sim: Simulator, text: str) -> None:
    document(telegram.tenant)
    seen = script(sim, Answer("[1]"))
    talk(telegram, sim, text)
    assert last_line(seen[0]) == text
    assert sim.telegram.answers(way.ANA) == ["[1]"]
    assert answers()[0].sources is None
