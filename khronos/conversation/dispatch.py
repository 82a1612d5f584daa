"""The dispatcher's work: from stored bytes to conversations with a turn to answer (docs/turns.md).

A batch is one transaction. Updates of a conversation are taken in the order of their rows, earlier ones
that were left behind included. If a batch fails, each update is tried alone, and the one that cannot be
dealt with is quarantined: it never holds up what follows.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction

from khronos.alerts import raise_alert
from khronos.bus import events
from khronos.channels import account_of, kind_of
from khronos.channels.base import Happening
from khronos.conversation import arrivals as rows
from khronos.conversation import attached, happenings
from khronos.conversation.arrivals import Understood
from khronos.conversation.handoff import call_past_parked
from khronos.conversation.tally import Tally
from khronos.conversation.wishes import name_of
from khronos.exceptions import Unreadable
from khronos.herald import presses
from khronos.models import Conversation, Event, Turn, Update
from khronos.models.among import SelectAmong
from khronos.models.commit import first
from khronos.models.prepared import NOW, insert_all
from khronos.models.update import UpdateQuerySet
from khronos.observability import metrics
from khronos.observability.said import Said as _
from khronos.observability.steps import bound, happened
from khronos.resilience import crashpoints

log = logging.getLogger(__name__)

OUR_FAULT = "our own fault: "  # not the update's: worth another try after a restart, which may bring a mend

KEY = Update._meta.pk
NAMED = SelectAmong(lambda pks: waiting().filter(pk__in=pks), pks=KEY)
EARLIER = SelectAmong(
    lambda chats, last, pks: waiting().filter(conversation_id__in=chats, pk__lt=last[0]).exclude(pk__in=pks),
    chats=Update._meta.get_field("conversation_id"),
    last=KEY,
    pks=KEY,
)

TARGETS = {Conversation.Handler.BOT: "agent.ai", Conversation.Handler.TRIAGE: "agent.triage"}


@dataclass(slots=True)
class Outcome:
    """What is to be told on the bus, and which turns are to be rung for, once the batch is committed."""

    events: list[Event] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    presses: list[int] = field(default_factory=list)  # updates: below alerts


def dispatch(update_ids: Collection[int], *, told: bool = True) -> Outcome:
    """Every one of these updates is dispatched or quarantined afterwards; a database that is away raises.

    `told`: the bus brought them, so that everybody has heard of them.
    """
    try:
        with first():
            outcome = dispatch_batch(update_ids, told)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("batch failed, each update alone", extra={"updates": len(update_ids)})
    else:
        outcome.tally.count()
        return outcome
    outcome = Outcome()
    with transaction.atomic():
        in_order = take(update_ids)
    for update in in_order:
        with bound(**update.ids):
            alone = dispatch_alone(update, told)
        outcome.events += alone.events
        outcome.turns += alone.turns
        outcome.presses += alone.presses
    return outcome


def tell_steps(outcome: Outcome, took_ms: float) -> None:
    """One for each update, though they were dispatched together: so long each of them waited for it."""
    targets = {
        event.payload["update_id"]: {"target": event.payload["target"], "turn": event.payload["turn_id"]}
        for event in outcome.events
        if event.type == Event.Type.HANDOFF_REQUESTED
    }
    for event in outcome.events:
        if event.type == Event.Type.MESSAGE_RECEIVED:
            happened(
                "message.dispatched",
                after="message.received",
                duration_ms=took_ms,
                **event.ids,
                conversation=event.conversation_id,
                user_id=event.customer_id,
                update=event.payload["update_id"],
                **targets.get(event.payload["update_id"], {}),
            )


def dispatch_alone(update: Update, told: bool) -> Outcome:
    pk = update.pk
    try:
        outcome = dispatch_batch([pk], told)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("update quarantined", extra={"update": pk})
        quarantine(pk, f"{OUR_FAULT}{type(error).__name__}: {error}")
        metrics.FAILED.labels(source=update.channel.kind, reason="our_fault").inc()
        said = _("Update %(n)s failed here by our own fault: %(why)s") % {"n": pk, "why": error}
        raise_alert("updates.quarantined", "error", said)
        return Outcome()
    outcome.tally.count()
    return outcome


def quarantine(pk: int, reason: str) -> None:
    Update.objects.waiting().filter(pk=pk).update(state=Update.State.QUARANTINED, reason=reason[:500])


@transaction.atomic
def dispatch_batch(update_ids: Collection[int], told: bool) -> Outcome:
    outcome = Outcome()
    arrivals = understood(take(update_ids), outcome.tally)
    outcome.presses = [each.update.pk for each in arrivals if is_alert_press(each)]
    spoken = [
        each
        for each in arrivals
        if each.incoming.happening is not Happening.IGNORED and each.update.pk not in outcome.presses
    ]
    people = rows.contacts(spoken)
    chats = rows.conversations(spoken, people)
    say(spoken, chats, outcome, told)
    for each in spoken:
        if not each.is_spoken:
            happenings.note(each, chats[each.conversation_id])
    Update.objects.filter(pk__in=[each.update.pk for each in arrivals]).update(state=Update.State.DISPATCHED)
    events.record(outcome.events)
    crashpoints.reached("dispatch.written")
    return outcome


def is_alert_press(arrival: Understood) -> bool:
    """An operator's, which is obeyed here and no part of any conversation."""
    if not presses.is_ours(arrival.channel, arrival.incoming):
        return False
    presses.obey(arrival.incoming)
    return True


def waiting() -> UpdateQuerySet:
    return Update.objects.waiting().select_for_update(of=("self",)).select_related("channel").order_by("pk")


def take(update_ids: Collection[int]) -> list[Update]:
    """The waiting ones among these, and whatever waits before them in the same conversations."""
    batch = {update.pk: update for update in NAMED(pks=list(update_ids))}
    if not batch:
        return []
    chats = list({update.conversation_id for update in batch.values()} - {None})
    batch |= {update.pk: update for update in EARLIER(chats=chats, last=[max(batch)], pks=list(batch))}
    return [batch[pk] for pk in sorted(batch)]


def understood(updates: Sequence[Update], tally: Tally) -> list[Understood]:
    arrivals = []
    for update in updates:
        try:
            incoming = kind_of(update.channel.kind).parse(bytes(update.raw), account_of(update.channel))
        except Unreadable as error:
            quarantine(update.pk, str(error))
            tally.unreadable(update.channel.kind)
            log.warning(
                "update cannot be understood",
                extra={"update": update.pk, "error": str(error)[:300], **update.ids},
            )
        else:
            arrivals.append(Understood(update, update.channel, incoming))
    return arrivals


def say(
    arrivals: Sequence[Understood], chats: dict[UUID, Conversation], outcome: Outcome, told: bool
) -> None:
    """Messages into their conversations, and into the turn that collects where the bot shall answer."""
    said = [each for each in arrivals if each.is_spoken]
    for each in said:
        if each.incoming.addressed and name_of(each.incoming) == "human":
            call_past_parked(chats[each.conversation_id], each.update.ids)
    asking = [each for each in said if rows.wants_answer(each, chats[each.conversation_id])]
    wanted = {id(each) for each in asking}
    silent = rows.kept_waiting((each for each in said if id(each) not in wanted), chats)
    turns, made = rows.waiting_turns(silent | {each.conversation_id: each.update for each in asking})
    messages = [
        rows.message(each, turns[each.conversation_id] if id(each) in wanted else None) for each in said
    ]
    insert_all(messages)
    attached.keep(said, {each.update.pk for each in asking})
    for each in said:
        conversation = chats[each.conversation_id]
        turn = turns[conversation.pk] if id(each) in wanted else None
        outcome.events += facts(each, conversation, turn, told)
        outcome.tally.said(each, conversation, turn)
    outcome.turns += [turns[pk].pk for pk in made]


def facts(arrival: Understood, conversation: Conversation, turn: Turn | None, told: bool) -> list[Event]:
    update = arrival.update
    received = events.make(
        Event.Type.MESSAGE_RECEIVED,
        key=events.received(update.pk),
        **update.ids,
        conversation=conversation,
        payload={"update_id": update.pk, "channel": arrival.channel.slug},
    )
    received.timestamp = update.received_at
    received.published_at = NOW if told else None  # by intake, with the ring that brought it here
    target = f"agent.queue.{conversation.queue_id}"
    if turn is not None:
        target = TARGETS.get(Conversation.Handler(conversation.handler), "agent.ai")  # a command
    elif not arrival.incoming.addressed:
        return [received]  # talk among people in a group
    return [
        received,
        events.make(
            Event.Type.HANDOFF_REQUESTED,
            key=f"handoff:{update.pk}",
            **update.ids,
            conversation=conversation,
            payload={"target": target, "update_id": update.pk, "turn_id": turn.pk if turn else None},
        ),
    ]
