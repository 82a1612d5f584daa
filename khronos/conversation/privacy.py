"""What is kept about a contact, said to them; and what is remembered of them, erased by their own word."""

from collections.abc import Sequence
from functools import partial

from khronos.agents import memory
from khronos.conversation.answer import Buttons, Reply
from khronos.conversation.phrases import phrase
from khronos.conversation.wishes import FORGET
from khronos.models import ContactFact, Message, Turn

BUTTONS_MAX = 8  # facts that have one; all can be named in words
ERASE = {"en": ("Erase {n}", "Erase all"), "pt": ("Apagar {n}", "Apagar tudo")}


def tell(turn: Turn, _message: Message, language: str) -> Reply:
    conversation = turn.conversation
    kept = phrase("privacy", language)
    if conversation.chat_type != "private":
        return Reply(kept)
    facts = memory.facts_for(conversation)
    if not facts:
        return Reply(f"{kept}\n\n{phrase('nothing_remembered', language)}")
    lines = "\n".join(f"{number}. {fact.text}" for number, fact in enumerate(facts, 1))
    remembered = phrase("remembered", language).format(facts=lines)
    return Reply(f"{kept}\n\n{remembered}", buttons=buttons(facts, language))


def buttons(facts: Sequence[ContactFact], language: str) -> Buttons:
    one, everything = ERASE.get(language, ERASE["en"])
    each = [
        (one.format(n=number), f"/forget #{fact.pk}") for number, fact in enumerate(facts[:BUTTONS_MAX], 1)
    ]
    return [*each, (everything, "/forget all")]


def forget(turn: Turn, message: Message, language: str) -> Reply:
    heard = FORGET.fullmatch(message.text.strip())
    contact = turn.conversation.contact
    if heard is None or contact is None or turn.conversation.chat_type != "private":
        return tell(turn, message, language)
    facts = memory.facts_for(turn.conversation)
    chosen = meant(heard["what"], facts)
    if not chosen:
        return Reply(phrase("not_remembered", language))
    said = phrase("forgotten", language).format(facts="\n".join(f"• {fact.text}" for fact in chosen))
    return Reply(said, deed=partial(erase, chosen))


def meant(what: str, facts: Sequence[ContactFact]) -> Sequence[ContactFact]:
    if what.startswith("#"):
        return [fact for fact in facts if fact.pk == int(what[1:])]
    if what.isdigit():
        return facts[int(what) - 1 : int(what)] if int(what) else []
    return facts


def erase(facts: Sequence[ContactFact]) -> None:
    ContactFact.objects.filter(pk__in=[fact.pk for fact in facts]).delete()
