"""Who shall answer a conversation that nobody has yet: a model chooses among the tenant's queues and the bot.

Where no model can say (none has a key, away, over budget, nonsense) rules do: words of a queue, or a wish for
a person; all else to the bot. The decision is a row, committed with what it changes (docs/triage.md).
"""

import re
from collections.abc import Sequence
from copy import copy
from functools import partial

from django.conf import settings

from khronos.agents.context import language_of, said
from khronos.agents.providers import configured
from khronos.agents.sorting import Nonsense, Sorted, sort
from khronos.agents.think import Away, think
from khronos.conversation import handoff
from khronos.conversation.answer import Reply
from khronos.conversation.patience import token_of, wake
from khronos.conversation.phrases import phrase
from khronos.conversation.waiting import way_back
from khronos.conversation.wishes import name_of
from khronos.exceptions import Permanent
from khronos.models import Conversation, Message, Queue, Triage, Turn, Usage
from khronos.models.commit import commit
from khronos.observability import metrics
from khronos.observability.steps import step
from khronos.resilience import crashpoints
from khronos.usage import ledger
from khronos.usage.charging import FREE, charged_to

BOT = "@assistant"  # no slug of a queue has this sign
PERSON = re.compile(
    r"\b(human|person|operator|agent|attendant|humano|pessoa|atendente|operador[a]?)\b", re.IGNORECASE
)


def route(turn: Turn, messages: Sequence[Message]) -> None:
    """Decide who answers this conversation from now on. A command alone decides nothing."""
    conversation = turn.conversation
    text = "\n".join(said(message) for message in messages if not name_of(message))
    if not text:
        return
    queues = list(Queue.objects.filter(tenant=conversation.tenant_id).order_by("-is_default", "pk"))
    decision = by_model(turn, text, queues) if queues else Triage(by=Triage.By.RULES)
    if decision.by == Triage.By.RULES:
        decision.queue = queue_for(text, queues)
    crashpoints.reached("triage.decided")
    commit(partial(settle, turn, decision))
    conversation.refresh_from_db(fields=["handler", "queue"])
    metrics.TRIAGES.labels(by=decision.by, target="queue" if decision.queue else "bot").inc()


def by_model(turn: Turn, text: str, queues: Sequence[Queue]) -> Triage:
    """Its word, or the reason why there is none."""
    agent = turn.conversation.agent
    if settings.TRIAGE_BY != "model" or configured(agent.providers) == [FREE]:
        return Triage(by=Triage.By.RULES)
    ask = partial(think, order=agent.providers, token=token_of(turn.pk), wake=wake)
    try:
        with charged_to(turn, Usage.Kind.TRIAGE), step("triage.asked") as this:
            found = sort(text, places(queues), agent, ask)
            this.add(place=found.place, intent=found.intent)
    except (Away, Permanent, Nonsense) as error:
        return Triage(by=Triage.By.RULES, reason=str(error)[:500])
    return decided(found, queues)


def decided(found: Sorted, queues: Sequence[Queue]) -> Triage:
    answer = found.completion
    return Triage(
        by=Triage.By.MODEL,
        queue=next((queue for queue in queues if queue.slug == found.place), None),
        intent=found.intent,
        provider=answer.provider,
        model=answer.model[:100],
        thinking_ms=answer.duration_ms,
    )


def places(queues: Sequence[Queue]) -> dict[str, str]:
    known = {BOT: "the assistant answers by itself: questions, small talk, and whatever fits nowhere else"}
    for queue in queues:
        words = ", ".join(str(word) for word in queue.keywords[:20])
        known[queue.slug] = f"people of {queue.name}" + (f" ({words})" if words else "")
    return known


def queue_for(text: str, queues: Sequence[Queue]) -> Queue | None:
    words = set(re.findall(r"\w+", text.casefold()))
    for queue in queues:
        if words & {str(keyword).casefold() for keyword in queue.keywords}:
            return queue
    return queues[0] if queues and PERSON.search(text) else None


def settle(turn: Turn, decision: Triage) -> None:
    """The decision, what it changes, what is told of it and what it cost, behind the turn's fence."""
    turn.extend(settings.TURN_LEASE)
    decision.pk, decision.turn = None, turn
    Triage.objects.filter(turn=turn).delete()
    decision.save(force_insert=True)
    ledger.write(turn.paid)
    seen = copy(turn.conversation)  # a transaction may be run again
    told = {"intent": decision.intent, "model": decision.model, "decided_by": decision.by}
    if decision.queue is None:
        handoff.keep(seen, by="triage", **turn.ids, **told)
    else:
        handoff.hand_off(seen, decision.queue, by="triage", **turn.ids, **told)


def notice(turn: Turn) -> Reply | None:
    """What the contact is told of a turn that triage gave to people."""
    conversation = turn.conversation
    if conversation.handler != Conversation.Handler.QUEUE:
        return None
    if not Triage.objects.filter(turn=turn, queue__isnull=False).exists():
        return None
    language = language_of(conversation)
    return Reply(phrase("human", language), buttons=way_back(conversation, language), leaves_open=True)
