"""A turn from claim to answer (docs/turns.md).

claim ─► lock ─► commands, questions ─► think ─► answer committed ─► deliver ─► ring for the next turn
                   │                      └► all models away: parked, told once, answered when they are back
                   └► the contact says too much: parked for the rest of the minute, told once
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import Error, IntegrityError, InterfaceError, OperationalError

from khronos.agents.context import language_of
from khronos.agents.think import Away
from khronos.alerts import raise_alert
from khronos.bus import doorbell
from khronos.bus.routes import TURN_TASK
from khronos.conversation import answer, budgets, triage
from khronos.conversation.account import account
from khronos.conversation.holding import acknowledge_presses, holding
from khronos.conversation.patience import TooMuch, waited_s, waiting_time
from khronos.conversation.phrases import phrase
from khronos.conversation.replies import replies_to
from khronos.delivery.send import deliver_next, send_all
from khronos.exceptions import LostLease, Permanent, Transient
from khronos.models import Conversation, DeadLetter, Delivery, Message, Turn, Update
from khronos.models.commit import commit, insist
from khronos.models.deadletter import keep
from khronos.models.prepared import Select, Slot
from khronos.observability import metrics
from khronos.observability.said import Said as _
from khronos.observability.steps import bound, note, step
from khronos.resilience import crashpoints

log = logging.getLogger(__name__)

QUESTIONS = Select(
    lambda: (
        Message.objects.filter(turn=Slot("turn", Turn._meta.pk), author=Message.Author.CONTACT)
        .select_related("update")
        .defer("update__raw", "update__reason")
        .order_by("update_id")
    )
)
LATER_TURNS = Select(
    lambda: Turn.objects.filter(
        conversation=Slot("conversation", Conversation._meta.pk), pk__gt=Slot("pk", Turn._meta.pk)
    ).only("pk", "state")
)

AMENDMENTS = 3  # how often a question may be edited under our hands before it is answered as it was


def take(turn_id: int) -> None:
    """Answer a turn that is due; nothing when it is not, or is somebody else's."""
    turn = claim(turn_id)
    if turn is None:
        return
    crashpoints.reached("turn.claimed")
    conversation = turn.conversation
    with bound(**turn.ids, conversation=conversation.pk, user_id=conversation.contact_id):
        see_through(turn)


def see_through(turn: Turn) -> None:
    facts = {"turn": turn.pk, "attempt": turn.attempts}
    try:
        with step("turn.taken", after="message.dispatched", named=turn.attempts == 1, **facts), account(turn):
            deliveries = work_on(turn)
    except LostLease:
        log.warning("lease lost, nothing written", extra={"turn": turn.pk})
        return
    except (OperationalError, InterfaceError) as error:
        put_back(turn, error)
        return
    send_all(deliveries, turn.conversation)
    crashpoints.reached("turn.delivered")
    go_on(turn)


def claim(turn_id: int) -> Turn | None:
    related = (
        "conversation__channel__agent",
        "conversation__channel__tenant__default_agent",
        "conversation__contact",
    )
    try:
        return Turn.objects.secure(turn_id, settings.TURN_LEASE, *related)
    except IntegrityError:
        return None  # another turn of the conversation was taken first; it will ring for this one


def put_back(turn: Turn, error: Exception) -> None:
    """The database went away in the middle: the turn is due when it is back, each time a little later."""
    what = type(error).__name__
    log.warning("turn put back", extra={"turn": turn.pk, "error": what})
    after = timedelta(seconds=min(turn.deferrals, settings.PARK_MAX_S))
    give_back = partial(answer.put_off, turn, after, f"database: {what}", "", was_try=True)
    with suppress(LostLease):
        insist(give_back, settings.TURN_LEASE.total_seconds())


def work_on(turn: Turn) -> list[Delivery]:
    """Ends with the turn settled or given back; answers what is to be sent."""
    if turn.crashes >= settings.TURN_MAX_ATTEMPTS:
        return bury(turn, f"{turn.crashes} workers died or failed over it")
    try:
        with holding(turn):
            crashpoints.reached("turn.locked")
            return respond(turn)
    except Transient as error:
        note(state=Turn.State.PARKED, reason=str(error))
        wait = timedelta(seconds=error.retry_after or 2)
        return commit(partial(answer.put_off, turn, wait, str(error), "", was_try=True))
    except TooMuch as flood:
        words = "" if turn.apologised else "slowly"
        return put_off(turn, flood.wait_s, str(flood), words, was_try=True)
    except Away as away:
        return park(turn, away)
    except Permanent as error:
        return bury(turn, str(error))


def respond(turn: Turn) -> list[Delivery]:
    for left in range(AMENDMENTS, -1, -1):
        messages = QUESTIONS(turn=turn.pk)
        turn.asked_at = min((each.update.received_at for each in messages if each.update), default=None)
        if len(messages) > 1:
            note_others(turn, [each.update for each in messages if each.update])
        acknowledge_presses(turn, messages)
        if turn.conversation.handler == Conversation.Handler.TRIAGE:
            triage.route(turn, messages)
        replies = replies_to(turn, messages)
        store = partial(answer.store, turn, replies, even_if_amended=not left, notice=triage.notice(turn))
        stored = insist(store, settings.TURN_LEASE.total_seconds())
        if stored is not None:
            count(turn, messages, "answered" if replies else "silent")
            note(state=Turn.State.ANSWERED if replies else Turn.State.SILENT)
            crashpoints.reached("turn.answered")
            return stored
        turn.amended = False
        turn.conversation.refresh_from_db(fields=["handler", "queue", "remembers_from"])
    raise AssertionError("unreachable")


def note_others(turn: Turn, updates: Sequence[Update]) -> None:
    """Whoever follows one of them shall find the turn that answers it."""
    others = [each for each in updates if each.trace_id != turn.trace_id]
    note(also=[each.trace_id for each in others])
    if known := [each.correlation_id for each in others if each.correlation_id]:
        note(also_correlated=known)


def park(turn: Turn, away: Away) -> list[Delivery]:
    """The models are away: the turn waits, the contact is told once."""
    wait_s = waiting_time(turn.deferrals, away)
    if not away.has_place:
        log.warning("turn parked", extra={"turn": turn.pk, "error": str(away)})
    expected_s = waited_s(turn) + (wait_s if away.is_sure else 0.0)
    is_short = away.has_place and expected_s < settings.TELL_AFTER_S
    words = "" if turn.apologised or is_short else away.words
    deliveries = put_off(turn, wait_s, str(away), words, was_try=away.was_asked)
    if away.is_spent:
        budgets.look_after_parking(turn.conversation.tenant_id)
    return deliveries


def put_off(turn: Turn, wait_s: float, reason: str, words: str, *, was_try: bool) -> list[Delivery]:
    said = phrase(words, language_of(turn.conversation)) if words else ""
    note(state=Turn.State.PARKED, reason=reason)
    crashpoints.reached("turn.parking")
    deliveries: list[Delivery] = commit(
        partial(answer.put_off, turn, timedelta(seconds=wait_s), reason, said, was_try=was_try)
    )
    crashpoints.reached("turn.parked")
    doorbell.ring_later(TURN_TASK, [turn.pk], wait_s)
    return deliveries


def bury(turn: Turn, reason: str) -> list[Delivery]:
    """Given up: an operator sees it, the contact is told."""
    note(state=Turn.State.BURIED, reason=reason)
    said = _("Turn %(id)s was given up: %(why)s") % {"id": turn.pk, "why": reason}
    raise_alert("turn.buried", "error", said)

    def job() -> list[Delivery]:
        keep(
            DeadLetter.Source.TURN,
            "turn",
            str(turn.pk),
            reason,
            attempts=turn.attempts,
            trace_id=turn.trace_id,
            payload={"turn_id": turn.pk},
        )
        return answer.give_up(turn, reason, phrase("buried", language_of(turn.conversation)))

    deliveries = commit(job)
    with suppress(Error):  # it is buried: a database that is away now costs these numbers and nothing else
        messages = QUESTIONS(turn=turn.pk)
        count(turn, messages, "given_up")
        metrics.FAILED.labels(source=turn.conversation.channel.kind, reason="given_up").inc(len(messages))
    return deliveries


def count(turn: Turn, messages: Sequence[Message], status: str) -> None:
    metrics.PROCESSED.labels(source=turn.conversation.channel.kind, status=status).inc(len(messages))


def go_on(turn: Turn) -> None:
    """What the contact said meanwhile is the next turn. It was refused while this one was under way; and if
    somebody took it after that, its answer was refused while this one's was on its way.
    """
    later = LATER_TURNS(conversation=turn.conversation_id, pk=turn.pk)
    waiting = [each.pk for each in later if each.state == Turn.State.WAITING]
    if waiting:
        doorbell.ring(TURN_TASK, waiting)
        crashpoints.reached("turn.next_rung")
    if len(waiting) < len(later):
        deliver_next(turn.conversation_id)
