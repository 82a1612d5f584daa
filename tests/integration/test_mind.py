"""What the assistant has in mind: passages, the summary, a history that begins as it did before."""

import socket
from itertools import pairwise
from typing import Any

import orjson
import pytest
from django.db import connection
from django.db.models.functions import Now
from pytest_django import Settings

from bench.simulator import Simulator
from bench.simulator.models.prompt import Answer, Prompt
from khronos.agents import memory
from khronos.agents.providers.anthropic import REMEMBER
from khronos.agents.think import nobody
from khronos.conversation import summaries
from khronos.exceptions import LostLease
from khronos.guards import limits
from khronos.knowledge import intake, work
from khronos.models import (
    Agent,
    Channel,
    ContactFact,
    Conversation,
    Message,
    Summary,
    Tenant,
    Usage,
)
from tests import factories as make
from tests.integration import way
from tests.integration.test_tools import ana, fresh, script, talk

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


@pytest.fixture
def remembers(telegram: Channel) -> Channel:
    for tool in ("remember", "forget"):
        make.make_grant(tenant=telegram.tenant, tool=tool)
    return telegram


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


def test_a_question_that_leans_on_the_one_before_is_looked_up_with_it(
    telegram: Channel, sim: Simulator
) -> None:
    document(telegram.tenant)
    seen = script(sim, *(Answer("Well [1].") for _ in range(6)))
    talk(telegram, sim, "Can I return a boot?")
    talk(telegram, sim, "Thanks!")
    talk(telegram, sim, "and until when?")
    assert "<passage [1] of: Shop › Returns>" in last_line(seen[2])
    talk(telegram, sim, "\N{THUMBS UP SIGN}")
    assert last_line(seen[3]) == "\N{THUMBS UP SIGN}", "nothing was asked"
    talk(telegram, sim, "What can you do?")
    assert "<passage" not in last_line(seen[4]), "it is about us"
    talk(telegram, sim, "/reset")
    talk(telegram, sim, "and until when?")
    assert "<passage" not in last_line(seen[5]), "what was said before is forgotten"


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


def test_an_embedder_that_hangs_costs_a_second_and_no_answer(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    document(telegram.tenant)
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        settings.EMBEDDER_URL = f"http://127.0.0.1:{hanging.getsockname()[1]}"
        seen = script(sim, Answer("Within thirty days [1]."))
        talk(telegram, sim, "return anything within thirty days?")
    assert "<passage [1] of: Shop › Returns>" in last_line(seen[0])  # by words alone
    assert len(sim.telegram.answers(way.ANA)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_search_that_fails_costs_the_passages_and_no_answer(telegram: Channel, sim: Simulator) -> None:
    document(telegram.tenant)
    table = "khronos_word"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO gone")
    try:
        seen = script(sim, Answer("I do not know."))
        talk(telegram, sim, "Can I return a boot?")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE gone RENAME TO {table}")
    assert last_line(seen[0]) == "Can I return a boot?"
    assert sim.telegram.answers(way.ANA) == ["I do not know."]


# History and its summary


@pytest.fixture
def short(settings: Settings) -> None:
    """Some 8 messages fill the window, 6 nearly do."""
    settings.HISTORY_MAX_TOKENS, settings.HISTORY_MAX_MESSAGES = 3000, 8


def asked(prompt: Prompt) -> list[str]:
    return [text for turn in prompt.turns for text in turn.texts]


def numbered(sim: Simulator) -> list[Prompt]:
    """Each question is answered by its own number."""
    seen: list[Prompt] = []

    def answer(prompt: Prompt) -> Answer:
        seen.append(prompt)
        if "notes of a chat" in prompt.system:
            return Answer("The person counts.")
        return Answer(f"a{prompt.question[1:]}")

    sim.models.answer_with(answer)
    return seen


@pytest.mark.usefixtures("short")
def test_history_is_cut_by_half_and_grows_again_from_there(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    seen = numbered(sim)
    for number in range(12):
        talk(telegram, sim, f"q{number}")
    firsts = [asked(prompt)[0] for prompt in seen]
    assert firsts == ["q0"] * 4 + ["q2"] * 2 + ["q4"] * 2 + ["q6"] * 2 + ["q8"] * 2
    lengths = [len(asked(prompt)) for prompt in seen]
    assert max(lengths) <= settings.HISTORY_MAX_MESSAGES + 1
    assert Conversation.objects.get().told_from > 0


@pytest.mark.usefixtures("short")
def test_what_is_older_is_summed_up_once_in_the_background_and_told_before_the_history(
    telegram: Channel, sim: Simulator
) -> None:
    seen = numbered(sim)
    for number in range(4):
        talk(telegram, sim, f"q{number}")
    row = Summary.objects.get()
    assert (row.state, row.text, row.told_to) == (Summary.State.WAITING, "", 0)
    assert len(seen) == 4, "an answer waits for no summary"
    summaries.take(row.pk)
    summaries.take(row.pk)
    assert len(seen) == 5
    assert "Person: q0\nAssistant: a0" in seen[4].turns[0].texts[0]
    row.refresh_from_db()
    assert (row.state, row.text) == (Summary.State.READY, "The person counts.")
    assert (row.told_to, row.due_at) == (row.wanted_to, None)
    talk(telegram, sim, "q4")
    begins = asked(seen[5])[0]
    assert begins.startswith("<summary>\n")
    assert begins.endswith("The person counts.\n</summary>\nq1")
    assert "q0" not in begins
    paid = Usage.objects.get(kind=Usage.Kind.SUMMARY)
    assert (paid.turn_id, paid.conversation_id) == (None, row.conversation_id)
    assert paid.micros > 0
    assert sim.telegram.answers(way.ANA) == ["a0", "a1", "a2", "a3", "a4"]


@pytest.mark.usefixtures("short")
def test_a_summary_waits_while_models_are_away_and_is_written_when_they_are_back(
    telegram: Channel, sim: Simulator
) -> None:
    numbered(sim)
    for number in range(4):
        talk(telegram, sim, f"q{number}")
    sim.models.fail(status=529)
    pk = Summary.objects.get().pk
    summaries.take(pk)
    row = Summary.objects.get()
    assert (row.state, row.text, row.attempts, row.crashes) == (Summary.State.WAITING, "", 1, -1)
    assert row.reason.startswith("anthropic: 529")
    summaries.take(pk)  # not due
    assert Summary.objects.get().attempts == 1
    sim.models.heal()
    Summary.objects.update(due_at=Now())
    summaries.take(pk)
    assert Summary.objects.get().text == "The person counts."


@pytest.mark.usefixtures("short")
def test_without_a_key_nothing_is_summed_up_and_history_is_cut_all_the_same(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.ANTHROPIC_API_KEY = settings.OPENAI_API_KEY = ""
    for number in range(6):
        talk(telegram, sim, f"q{number}")
    assert Summary.objects.count() == 0
    assert Conversation.objects.get().told_from > 0
    assert len(sim.telegram.answers(way.ANA)) == 6


@pytest.mark.usefixtures("short")
def test_reset_forgets_the_summary_also_one_that_is_being_written(telegram: Channel, sim: Simulator) -> None:
    seen = numbered(sim)
    for number in range(4):
        talk(telegram, sim, f"q{number}")
    pk = Summary.objects.get().pk
    taken = Summary.objects.claim(pk, summaries.LEASE)
    assert taken is not None
    talk(telegram, sim, "/reset")
    assert Summary.objects.count() == 0
    with pytest.raises(LostLease):
        summaries.keep(taken, None)
    talk(telegram, sim, "q4")
    assert asked(seen[-1]) == ["q4"]
    assert Summary.objects.count() == 0


@pytest.mark.usefixtures("short")
def test_a_summary_takes_no_seat_that_an_answer_may_want(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    seen = numbered(sim)
    for number in range(4):
        talk(telegram, sim, f"q{number}")
    settings.PROVIDER_CONCURRENCY = {"anthropic": 2}
    with limits.seat("anthropic", "an answer", nobody):
        summaries.take(Summary.objects.get().pk)
        row = Summary.objects.get()
        assert (row.text, row.state) == ("", Summary.State.WAITING)
        assert "busy with answers" in row.reason
        with limits.seat("anthropic", "another answer", nobody):
            pass
    assert len(seen) == 4
    Summary.objects.update(due_at=Now())
    summaries.take(row.pk)
    assert Summary.objects.get().text == "The person counts."


# What stays the same


def marked(body: dict[str, Any]) -> list[int]:
    return [
        place for place, message in enumerate(body["messages"]) if "cache_control" in message["content"][-1]
    ]


def bare(value: Any) -> Any:
    """A mark is not part of what is cached."""
    if isinstance(value, dict):
        return {name: bare(each) for name, each in value.items() if name not in REMEMBER}
    return [bare(each) for each in value] if isinstance(value, list) else value


def prefix(body: dict[str, Any], messages: int) -> bytes:
    """As it is written, up to and with so many messages."""
    begins = {"tools": body.get("tools"), "system": body["system"], "messages": body["messages"][:messages]}
    return orjson.dumps(bare(begins)).removesuffix(b"]}")


@pytest.mark.usefixtures("short")
def test_a_prompt_begins_with_all_that_the_one_before_had_marked(
    remembers: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.HISTORY_MAX_MESSAGES = 16
    document(remembers.tenant)
    memory.remember(ana(remembers), "Wears 38", None)
    sent: list[dict[str, Any]] = []

    def answer(prompt: Prompt) -> Answer:
        sent.append(prompt.body)
        return Answer("Noted." if "notes of" in prompt.system else "Well [1].")

    sim.models.answer_with(answer)
    for number in range(7):
        talk(remembers, sim, f"Can I return boot number {number}?")
    summaries.take(Summary.objects.get().pk)
    sent.clear()
    for number in range(3):
        memory.remember(ContactFact.objects.earliest("pk").contact, f"Asked {number} times", None)
        talk(remembers, sim, f"And may I return boot number {number}?")
    assert len(sent) == 3
    assert all(body["tools"] and "cache_control" in body["system"][-1] for body in sent)
    for before, after in pairwise(sent):
        (place,) = marked(before)
        assert place == len(before["messages"]) - 2 > 0
        assert "<summary>" in before["messages"][0]["content"][0]["text"]
        assert "<passage" in before["messages"][-1]["content"][0]["text"]
        assert "<facts" in before["messages"][-1]["content"][0]["text"]
        assert prefix(after, place + 1) == prefix(before, place + 1)
        assert prefix(after, place + 3).startswith(prefix(before, place + 1))


def test_what_stays_the_same_is_read_from_the_providers_cache_and_paid_so(
    telegram: Channel, sim: Simulator
) -> None:
    Agent.objects.filter(tenant=telegram.tenant).update(instructions="Know this by heart. " * 300)
    numbered(sim)
    for number in range(3):
        talk(telegram, sim, f"q{number}")
    read, written = zip(
        *Usage.objects.order_by("pk").values_list("cached_read_tokens", "cached_write_tokens"), strict=True
    )
    assert read[0] == 0
    assert written[0] > 1000
    assert all(each > 1000 for each in read[1:])
    assert all(each < 50 for each in written[1:])
    dear, cheap = Usage.objects.earliest("pk"), Usage.objects.latest("pk")
    assert cheap.input_tokens > dear.input_tokens
    assert cheap.micros < dear.micros / 3
