"""A dangerous call waits for a yes: of the contact, in the next words or by a button, or of an operator.

What is asked about is the row of the call, and nothing but that row is run after a yes. A turn that brings
the decision takes the row over as a round of its own, once; whoever asks again finds it decided.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from khronos.agents.tools.base import Tool
from khronos.models import Message, ToolCall, ToolRound, Turn
from khronos.models.commit import commit

State = ToolCall.State

PRESSED = re.compile(r"(yes|no) #(\d{1,18})")
YES = {"yes", "y", "yep", "yeah", "yes please", "yes do it", "sure", "go ahead", "ok", "okay", "confirm"}
YES |= {"confirmed", "sim", "s", "sim por favor", "sim pode", "sim quero", "pode", "pode sim", "pode fazer"}
YES |= {"isso", "isso mesmo", "confirmo", "confirmado", "claro"}
NO = {"no", "n", "no thanks", "no thank you", "nope", "não", "nao", "não obrigado", "não obrigada"}
NO |= {"nao obrigado", "nao obrigada", "não quero", "nao quero"}
NOT_WORDS = re.compile(r"[^\w\s]")

QUESTIONS = {
    "en": "Shall I do this: {name}?\n{arguments}",
    "pt": "Posso fazer isto: {name}?\n{arguments}",
}
BY_WORDS = {"en": "Answer yes or no.", "pt": "Responda sim ou não."}
BY_OPERATOR = {
    "en": "I have asked a colleague to approve it: {question} You will hear of it here.",
    "pt": "Pedi a aprovação de um colega: {question} Você receberá a resposta aqui.",
}
BUTTONS = {"en": ("Yes", "No"), "pt": ("Sim", "Não")}


def asks(call: ToolCall, confirmed_by: str) -> None:
    """From now on it waits."""
    waits_s = settings.CONFIRM_OPERATOR_S if confirmed_by == "operator" else settings.CONFIRM_CONTACT_S
    call.state, call.confirmation = State.ASKED, confirmed_by
    call.expires_at = Now() + timedelta(seconds=waits_s)  # of the database, which looks for it


def question(call: ToolCall, tool: Tool, language: str) -> str:
    """Of the frozen arguments, in our words: the model has no say in what a person confirms."""
    language = language if language in QUESTIONS else "en"
    asked = wish(call, tool, language)
    if call.confirmation == "operator":
        return BY_OPERATOR[language].format(question=asked)
    return f"{asked} {BY_WORDS[language]}"


def wish(call: ToolCall, tool: Tool | None, language: str) -> str:
    """The bare question; of a tool that is gone its name."""
    language = language if language in QUESTIONS else "en"
    arguments = call.arguments
    if template := tool.question.get(language) if tool else "":
        return template.format_map(defaultdict(str, {name: plain(each) for name, each in arguments.items()}))
    listed = "\n".join(f"{name}: {plain(value)}" for name, value in arguments.items())
    return QUESTIONS[language].format(name=call.tool, arguments=listed).strip()


def plain(value: Any) -> str:
    """On one line and without marks that a channel would show as markup."""
    return re.sub(r"[\s*_`\[\]<>#|~]+", " ", str(value)).strip()[:200]


def buttons(call: ToolCall, language: str) -> list[tuple[str, str]]:
    if call.confirmation != "contact":
        return []
    yes, no = BUTTONS.get(language, BUTTONS["en"])
    return [(yes, f"yes #{call.pk}"), (no, f"no #{call.pk}")]


def adopt(turn: Turn, said: Sequence[Message]) -> bool:
    """Take over what was decided since; whether this turn has something of tools to go on with."""
    waiting = ToolCall.objects.filter(turn__conversation=turn.conversation_id, state=State.ASKED)
    for call in waiting.exclude(turn=turn).order_by("pk"):
        if call.confirmation == "operator":
            decision = call.decision
        elif said:
            decision = decision_of(call, said)
        else:
            continue
        if decision:
            commit(partial(take_over, turn, call, decision))
    return ToolRound.objects.filter(turn=turn).exists()


def decision_of(call: ToolCall, said: Sequence[Message]) -> str:
    """By a button of this call, or by a yes or a no. Other words beside a yes let it lapse."""
    heard = {heard_in(message.text, call) for message in said}
    if spoke_meanwhile(call):
        return "lapsed"
    return "no" if "no" in heard else "yes" if heard == {"yes"} else "lapsed"


def is_settled(turn: Turn, text: str) -> bool:
    """A button that was pressed again, or after its question was decided otherwise."""
    pressed = PRESSED.fullmatch(text)
    if pressed is None:
        return False
    asked = ToolCall.objects.filter(pk=pressed[2], turn__conversation=turn.conversation_id)
    return asked.exclude(state=State.ASKED).exclude(round__turn=turn).exists()


def heard_in(text: str, call: ToolCall) -> str:
    if pressed := PRESSED.fullmatch(text.strip()):
        return pressed[1] if int(pressed[2]) == call.pk else ""
    words = " ".join(NOT_WORDS.sub(" ", text.casefold()).split())
    return "yes" if words in YES else "no" if words in NO else ""


def spoke_meanwhile(call: ToolCall) -> bool:
    """An operator has: a yes may be the answer to them."""
    by_people = Message.objects.filter(author=Message.Author.OPERATOR, created_at__gt=call.created_at)
    return by_people.filter(conversation=call.turn.conversation_id).exists()


def take_over(turn: Turn, call: ToolCall, decision: str) -> None:
    """In one transaction: the first turn that comes has it."""
    turn.extend(settings.TURN_LEASE)
    mine = ToolCall.objects.filter(pk=call.pk, state=State.ASKED)
    in_time = Q(expires_at__gt=Now())
    number = ToolRound.objects.filter(turn=turn).count()
    round_ = ToolRound(turn=turn, number=number)
    round_.save(force_insert=True)
    moved: dict[str, Any] = {"round": round_, "position": 0}
    if call.confirmation == "contact":
        moved |= {"decision": decision if decision in ("yes", "no") else "", "decided_at": Now()}
    if decision == "yes" and mine.filter(in_time).update(state=State.PENDING, **moved):
        return
    ended = State.DECLINED if decision == "no" else State.EXPIRED
    if not mine.update(state=ended, ended_at=Now(), **moved):
        round_.delete()
