"""What the assistant has in mind: passages, facts, the summary, a history that begins as it did before."""

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
from khronos.agents.language import language_heard
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
    ToolCall,
    Usage,
)
from tests import factories as make
from tests.integration import way
from tests.integration.test_tools import ana, fresh, script, talk, wants

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


# Facts


@pytest.fixture
def remembers(telegram: Channel) -> Channel:
    for tool in ("remember", "forget"):
        make.make_grant(tenant=telegram.tenant, tool=tool)
    return telegram


def facts() -> list[str]:
    return list(ContactFact.objects.order_by("pk").values_list("text", flat=True))


def test_a_fact_is_kept_with_its_message_told_as_data_and_forgotten(
    remembers: Channel, sim: Simulator
) -> None:
    seen = script(sim, wants("remember", fact="Wears size <38>"), Answer("Noted."), Answer("38, I know."))
    talk(remembers, sim, "My size is 38")
    fact = ContactFact.objects.get()
    assert fact.message is not None
    assert (fact.text, fact.message.text) == ("Wears size <38>", "My size is 38")
    assert fact.contact.external_id == str(way.ANA)
    assert last_line(seen[0]) == "My size is 38"
    talk(remembers, sim, "Which shoes fit me?")
    assert f"{fact.pk}: Wears size &lt;38&gt;" in last_line(seen[2])
    assert "38" not in seen[2].system
    script(sim, wants("forget", number=fact.pk), Answer("Forgotten."))
    talk(remembers, sim, "Forget my size please")
    assert facts() == []


@pytest.mark.parametrize(
    "fact",
    [
        "Card 4111 1111 1111 1111",
        "card: 5500-0055-5555-5559 ok",
        "My password is hunter2",
        "A senha é 1234",
        "CPF 529.982.247-25",
        "PIN 9911",
        "key sk-" + "a1B2" * 8,
        "my key is sk-abcdefghij",
    ],
)
def test_secrets_are_not_remembered(remembers: Channel, sim: Simulator, fact: str) -> None:
    seen = script(sim, wants("remember", fact=fact), Answer("I must not."))
    talk(remembers, sim, "Remember this")
    assert facts() == []
    assert ToolCall.objects.get().state == ToolCall.State.FAILED
    assert "never remembered" in seen[1].results[0]


@pytest.mark.parametrize(
    "fact", ["Orders 1042 and 99871", "Phone +55 11 91234-5678", "Likes green tea", "Lives in 01310-100"]
)
def test_what_is_no_secret_may_be_remembered(remembers: Channel, fact: str) -> None:
    memory.remember(ana(remembers), fact, None)
    assert facts() == [fact]


def test_only_so_many_facts_are_kept_and_the_same_one_once(remembers: Channel, settings: Settings) -> None:
    settings.FACTS_MAX = 2
    contact = ana(remembers)
    for text in ("Likes tea", "likes TEA", " Likes   tea ", "Has a dog"):
        memory.remember(contact, text, None)
    with pytest.raises(memory.Refused, match="forgotten first"):
        memory.remember(contact, "Has a cat", None)
    assert facts() == ["Likes tea", "Has a dog"]


def test_facts_are_of_their_contact_alone(remembers: Channel, sim: Simulator) -> None:
    ben = make.make_contact(channel=remembers, external_id=8)
    theirs = memory.remember(ben, "Ben's wish", None)
    seen = script(sim, wants("forget", number=theirs.pk), Answer("I cannot."))
    talk(remembers, sim, "Forget what Ben wants")
    assert facts() == ["Ben's wish"]
    assert all("Ben's wish" not in text for prompt in seen for text in asked(prompt))


def test_in_a_group_nothing_is_remembered_and_nothing_told(remembers: Channel, sim: Simulator) -> None:
    memory.remember(ana(remembers), "Ana's size is 38", None)
    conversation = make.make_conversation(
        contact=remembers.contacts.get(), chat_id="-100", chat_type="supergroup"
    )
    turn = make.make_turn(conversation=conversation)
    make.make_message(conversation=conversation, turn=turn, text="What is my size?")
    seen = script(sim, Answer("Ask me in private."))
    way.answer()
    assert asked(seen[0]) == ["What is my size?"]
    assert seen[0].tools == []


# /privacy


def test_privacy_tells_what_is_remembered_and_erases_one_or_all(telegram: Channel, sim: Simulator) -> None:
    contact = ana(telegram)
    first = memory.remember(contact, "Likes tea", None)
    for text in ("Has a dog", "Wears 38"):
        memory.remember(contact, text, None)
    talk(telegram, sim, "/privacy")
    told = sim.telegram.answers(way.ANA)[-1]
    assert "1. Likes tea\n2. Has a dog\n3. Wears 38" in told
    assert "/esquecer tudo" in told
    buttons = answers()[-1].media["buttons"]
    assert buttons[0] == ["Apagar 1", f"/forget #{first.pk}"]
    assert [text for text, _ in buttons] == ["Apagar 1", "Apagar 2", "Apagar 3", "Apagar tudo"]
    talk(telegram, sim, "/esquecer 2")
    assert facts() == ["Likes tea", "Wears 38"]
    talk(telegram, sim, f"/forget #{first.pk}")
    talk(telegram, sim, f"/forget #{first.pk}")
    assert facts() == ["Wears 38"]
    assert "Não lembro de nada assim" in sim.telegram.answers(way.ANA)[-1]
    talk(telegram, sim, "Esqueça tudo sobre mim.")
    assert facts() == []
    talk(telegram, sim, "/privacy")
    assert "não lembro de nada sobre você" in sim.telegram.answers(way.ANA)[-1]
    assert sim.models.calls() == []


def test_nobody_erases_what_is_another_persons(telegram: Channel, sim: Simulator) -> None:
    memory.remember(ana(telegram), "Likes tea", None)
    bens = memory.remember(make.make_contact(channel=telegram, external_id=8), "Ben's wish", None)
    talk(telegram, sim, f"/forget #{bens.pk}", "/forget 2")
    assert facts() == ["Likes tea", "Ben's wish"]
    talk(telegram, sim, "/forget all")
    assert facts() == ["Ben's wish"]


# Language


def test_the_language_is_the_one_they_write_and_is_kept(telegram: Channel, sim: Simulator) -> None:
    seen = numbered(sim)
    talk(telegram, sim, "/help")
    assert "Pergunte" in sim.telegram.answers(way.ANA)[-1]
    talk(telegram, sim, "Where is my order, please?")
    assert "probably English" in seen[-1].system
    talk(telegram, sim, "/help")
    assert "Ask me anything" in sim.telegram.answers(way.ANA)[-1]
    talk(telegram, sim, "ok 1042")
    talk(telegram, sim, "obrigado")  # one word is not enough to change it
    assert Conversation.objects.get().language == "en"
    talk(telegram, sim, "Quero saber onde está o meu pedido, por favor")
    assert Conversation.objects.get().language == "pt"
    assert "Brazilian Portuguese" in seen[-1].system


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is it?", "en"),
        ("Cadê o meu pedido?", "pt"),
        ("Hola, quiero saber de mi pedido", ""),
        ("1042", ""),
        ("日本語", ""),
        ("vc pode me ajudar?", "pt"),
    ],
)
def test_language_by_words(text: str, language: str) -> None:
    assert language_heard(text) == language


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
