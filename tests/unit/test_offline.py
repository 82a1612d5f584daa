"""The assistant without a model: small talk in two languages, and never a word that it is more than that."""

import re

import pytest

from khronos.agents.providers.base import Completion, Line, Prompt
from khronos.agents.providers.offline import OfflineProvider
from khronos.agents.providers.phrases import OTHERWISE, PHRASES


def complete(said: str, language: str = "") -> Completion:
    return OfflineProvider().complete(Prompt("", [Line("user", said)], language))


def topic(said: str, language: str = "") -> str:
    """Which phrase was chosen, told by the words around the quotation."""
    text = complete(said, language).text
    for phrase in (*PHRASES, OTHERWISE):
        for template in (phrase.english, phrase.portuguese):
            if text.startswith(template.partition("{said}")[0]) and template.split("{said}")[1][:20] in text:
                return phrase.topic
    raise AssertionError(text)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("hi", "greeting"),
        ("Hello!", "greeting"),
        ("/start", "greeting"),
        ("good morning", "greeting"),
        ("Oi", "greeting"),
        ("oiii", "greeting"),
        ("Olá, tudo bem?", "greeting"),
        ("Bom dia!", "greeting"),
        ("thanks a lot", "thanks"),
        ("Thank you", "thanks"),
        ("muito obrigada", "thanks"),
        ("Valeu!", "thanks"),
        ("who are you?", "who"),
        ("Are you a robot?", "who"),
        ("Quem é você?", "who"),
        ("você é um robô?", "who"),
        ("What can you do?", "help"),
        ("help", "help"),
        ("O que você faz?", "help"),
        ("Ajuda!", "help"),
        ("I want a human", "human"),
        ("Can I talk to a person?", "human"),
        ("quero falar com alguém", "human"),
        ("Atendente, por favor", "human"),
        ("I want to talk to your manager", "human"),
        ("are you a real person?", "who"),
        ("vc usa IA?", "who"),
        ("What do you do with my data?", "privacy"),
        ("vocês guardam meus dados?", "privacy"),
        ("you are useless", "upset"),
        ("Que droga de atendimento", "upset"),
        ("?", "noise"),
        ("\N{THUMBS UP SIGN}", "noise"),
        ("kkkkk", "noise"),
        ("Cadê meu pedido??", "otherwise"),
        ("bye", "bye"),
        ("Tchau, até amanhã", "bye"),
        ("Where is my order 1042?", "otherwise"),
        ("Cadê o meu pedido?", "otherwise"),
        ("high hopes", "otherwise"),
        ("coisas", "otherwise"),
        ("", "otherwise"),
    ],
)
def test_small_talk_is_understood(said: str, expected: str) -> None:
    assert topic(said) == expected


@pytest.mark.parametrize(
    ("said", "language", "is_portuguese"),
    [
        ("Oi", "en", True),
        ("Hello", "pt-br", False),
        ("Cadê o meu pedido?", "", True),
        ("Where is my order?", "pt", False),
        ("1042", "pt-br", True),
        ("1042", "pt", True),
        ("1042", "en", False),
        ("1042", "", False),
        ("日本語", "ja", False),
    ],
)
def test_the_language_is_that_of_the_text_and_else_of_the_contact(
    said: str, language: str, is_portuguese: bool
) -> None:
    assert bool(re.search("Khronos|demonstração", text := complete(said, language).text))
    assert ("mensagem" in text) is is_portuguese


@pytest.mark.parametrize("said", ["hi", "Where is my *order* {x} %s?", "<b>Olá</b>", "1042", "obrigado"])
def test_the_person_sees_that_it_was_read(said: str) -> None:
    assert said in complete(said).text


def test_every_answer_says_that_it_is_a_demonstration_or_calls_a_person() -> None:
    for phrase in (*PHRASES, OTHERWISE):
        if phrase.topic != "human":
            assert "demonstration" in phrase.english
            assert "demonstração" in phrase.portuguese
        else:
            assert "/human" in phrase.english
            assert "/human" in phrase.portuguese


def test_how_to_connect_a_model_is_told() -> None:
    assert "ANTHROPIC_API_KEY" in complete("Where is my order?").text
    assert "ANTHROPIC_API_KEY" in complete("Cadê o meu pedido?").text


def test_a_long_text_is_quoted_in_part_and_is_no_small_talk() -> None:
    text = complete("hello " + "and a long story " * 100).text
    assert "…" in text
    assert len(text) < 600
    assert topic("hello " + "and a long story " * 100) == "otherwise"


def test_several_lines_are_quoted_on_one() -> None:
    assert '"one two"' in complete("one\n\n  two").text


def test_the_same_words_have_the_same_answer() -> None:
    assert complete("Where is it?") == complete("Where is it?")


def test_the_answer_is_free_of_charge() -> None:
    completion = complete("hi")
    assert (completion.provider, completion.input_tokens, completion.output_tokens) == ("offline", 0, 0)


def test_no_lines_at_all_are_no_crash() -> None:
    assert OfflineProvider().complete(Prompt("", [])).text
