"""What is remembered of a contact, told to nobody else and erased on a word; and the language they write."""

import pytest
from pytest_django import Settings

from bench.simulator import Simulator
from bench.simulator.models.prompt import Answer
from khronos.agents import memory
from khronos.agents.language import language_heard
from khronos.models import (
    Channel,
    ContactFact,
    Conversation,
    ToolCall,
)
from tests import factories as make
from tests.integration import way
from tests.integration.test_mind import answers, asked, last_line, numbered, remembers
from tests.integration.test_tools import ana, fresh, script, talk, wants

__all__ = ["fresh", "remembers"]
pytestmark = pytest.mark.usefixtures("bus")


# Facts


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
    with pytest.raises(memory.NotRemembered, match="forgotten first"):
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
        ("Quanto custa?", "pt"),
        ("Professor tem desconto?", "pt"),
        ("Room with breakfast?", "en"),
    ],
)
def test_language_by_words(text: str, language: str) -> None:
    assert language_heard(text) == language
