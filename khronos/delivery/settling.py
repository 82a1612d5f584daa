"""What a try to send came to: written behind its fence, told to whom it concerns, counted."""

import logging
from functools import partial

from khronos.alerts import raise_alert
from khronos.bus import events, notes
from khronos.channels import transport_of
from khronos.delivery import counting
from khronos.delivery.outbox import sent
from khronos.delivery.pacing import write
from khronos.delivery.policy import Later, after_failure, token_refused, waits_for, wrong_token
from khronos.exceptions import Ambiguous, Blocked, Failure, Unauthorized
from khronos.models import Contact, Conversation, DeadLetter, Delivery, Event
from khronos.models.deadletter import keep
from khronos.models.prepared import NOW
from khronos.resilience import crashpoints

log = logging.getLogger(__name__)


def settle_sent(delivery: Delivery, shown: str) -> None:
    delivery.settle(Delivery.State.SENT, sent_at=NOW, external_id=shown, plain=delivery.plain)
    events.record([sent(delivery, delivery.conversation)])
    crashpoints.reached("delivery.written")


def settle_failure(delivery: Delivery, error: Failure, *, edits: bool) -> None:
    channel = delivery.conversation.channel
    if isinstance(error, Unauthorized):
        raise_alert(wrong_token(channel), "error", token_refused(channel, error))
    verdict = after_failure(error, delivery, edits=edits)
    log.warning(
        "delivery %s", "put off" if isinstance(verdict, Later) else "failed",
        extra={"delivery": delivery.pk, "error": str(error)[:300],
               "ambiguous": isinstance(error, Ambiguous)},
    )  # fmt: skip
    if isinstance(verdict, Later):
        reason = waits_for(error, channel, transport_of(channel).guard)
        write(partial(put_off, delivery, verdict, reason))
        counting.put_off(delivery, is_doubtful="doubtful" in verdict.changes)
        crashpoints.reached("delivery.put_off")
        return
    write(partial(settle_failed, delivery, error, verdict.reason))
    counting.failed(delivery, error)


def put_off(delivery: Delivery, verdict: Later, reason: str) -> None:
    delivery.defer(Delivery.State.PENDING, verdict.after, reason, **verdict.changes)
    notes.put_off(delivery, verdict.after, reason)


def settle_failed(delivery: Delivery, error: Failure, reason: str) -> None:
    conversation = delivery.conversation
    delivery.settle(Delivery.State.FAILED, reason)
    if not isinstance(error, Blocked):
        bury(delivery, reason)
    elif conversation.chat_type == "private" and conversation.contact is not None:
        conversation.contact.is_blocked = True  # the answer's other parts are sent by whoever holds this row
        Contact.objects.filter(pk=conversation.contact.pk).update(is_blocked=True)
    events.record([failed(delivery, conversation, reason)])


def bounced(conversation: Conversation, external_id: str, reason: str) -> None:
    """The service had taken it, and says afterwards that it did not arrive."""
    sent = Delivery.objects.filter(conversation=conversation, external_id=external_id)
    for delivery in sent.filter(state=Delivery.State.SENT) if external_id else ():
        Delivery.objects.filter(pk=delivery.pk).update(state=Delivery.State.FAILED, reason=reason[:500])
        bury(delivery, reason)
        events.record([failed(delivery, conversation, reason)])
        log.warning("delivery did not arrive", extra={"delivery": delivery.pk, "error": reason[:300]})


def failed(delivery: Delivery, conversation: Conversation, reason: str) -> Event:
    return events.make(
        Event.Type.MESSAGE_FAILED,
        key=f"failed:{delivery.pk}:{delivery.fence}",
        **delivery.ids,
        conversation=conversation,
        payload={"delivery_id": delivery.pk, "reason": reason[:300]} | delivery.effort,
    )


def bury(delivery: Delivery, reason: str) -> None:
    """Where an operator reads it and sends it again."""
    keep(
        DeadLetter.Source.DELIVERY,
        "delivery",
        str(delivery.pk),
        reason,
        attempts=delivery.attempts,
        trace_id=delivery.trace_id,
        payload={"delivery_id": delivery.pk},
    )
