"""Sending: one delivery at a time, marked behind its fence (docs/delivery.md).

pending ─► sending ─► sent
              ├─► pending   a limit is reached: again at the place that it was given
              ├─► pending   surely not sent, or an edit: again later
              ├─► pending   may have been sent (doubtful): once more, marked
              └─► failed    with the reason
"""

import logging
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.conf import settings

from khronos.alerts import resolve_alert
from khronos.bus import doorbell
from khronos.bus.routes import HURRY
from khronos.channels import transport_of
from khronos.channels.base import Button, Transport
from khronos.delivery import counting
from khronos.delivery.pacing import mark, may_go, write
from khronos.delivery.policy import wrong_token
from khronos.delivery.settling import settle_failure, settle_sent
from khronos.exceptions import (
    Blocked,
    Failure,
    LostLease,
    MarkupRefused,
    Migrated,
    Permanent,
    Unchanged,
    Vanished,
)
from khronos.guards.breakers import guarded
from khronos.guards.limits import heed
from khronos.models import Channel, Conversation, Delivery
from khronos.observability import metrics
from khronos.observability.steps import bound, step
from khronos.resilience import crashpoints

log = logging.getLogger(__name__)

PLACEHOLDER = "…"


def deliver(delivery_id: int) -> None:
    """Send a delivery that is due, and what waits behind it; nothing when it is not yet its turn."""
    related = ("conversation__channel__tenant", "conversation__contact")
    pk: int | None = delivery_id
    while pk and (delivery := Delivery.objects.secure(pk, settings.DELIVERY_LEASE, *related)):
        crashpoints.reached("delivery.claimed")
        send_all([delivery], delivery.conversation)
        pk = next_due(delivery.conversation_id)


def deliver_next(conversation_id: UUID) -> None:
    if pk := next_due(conversation_id):
        deliver(pk)


def next_due(conversation_id: UUID) -> int | None:
    rows = Delivery.objects.due().filter(conversation=conversation_id).order_by("pk")
    return rows.values_list("pk", flat=True).first()


def send_all(deliveries: Sequence[Delivery], conversation: Conversation) -> None:
    """In order; each is claimed when its turn has come, if it is not ours already."""
    for made in deliveries:
        delivery: Delivery | None = made
        if made.state != Delivery.State.SENDING:
            delivery = Delivery.objects.secure(made.pk, settings.DELIVERY_LEASE)
        if delivery is None:
            return  # something before it waits, or a worker was quicker and goes on with the rest
        delivery.conversation = conversation
        with bound(**delivery.ids, conversation=conversation.pk, user_id=conversation.contact_id):
            try:
                send(delivery)
            except LostLease:
                log.warning("lease lost while sending", extra={"delivery": delivery.pk})
                return


def send(delivery: Delivery) -> None:
    conversation = delivery.conversation
    channel = conversation.channel
    transport = transport_of(channel)
    crashpoints.reached("delivery.begun")
    edits = transport.can_edit and channel.delivery_mode == Channel.DeliveryMode.EDIT
    try:
        if has_blocked_us(conversation):
            raise Blocked("the contact has blocked us")
        if delivery.crashes > 0 and not edits:
            in_doubt(delivery)
        if not may_go(transport, delivery, edits=edits and bool(delivery.external_id)):
            return
        with (
            guarded(transport.guard),
            step("delivery.sent", after="turn.taken", delivery=delivery.pk, attempt=delivery.attempts),
        ):
            shown = edit(transport, delivery) if edits else post(transport, delivery)
    except Failure as error:
        heed(transport.budget, error)
        settle_failure(delivery, error, edits=edits)
        return
    if shown is not None:
        crashpoints.reached("delivery.shown")
        mark(partial(settle_sent, delivery, shown))
        counting.sent(delivery)
        crashpoints.reached("delivery.settled")
        if resolve_alert(wrong_token(channel)):
            doorbell.call(HURRY, "ops", wrong_token(channel))


def has_blocked_us(conversation: Conversation) -> bool:
    contact = conversation.contact
    return contact is not None and contact.is_blocked and conversation.chat_type == "private"


def in_doubt(delivery: Delivery) -> None:
    """Somebody died while sending it: it may have arrived. It is sent once more, and marked."""
    if delivery.doubtful:
        raise Permanent("may have arrived, twice uncertain: a worker died while sending")
    write(partial(delivery.write, doubtful=True, deferrals=delivery.deferrals + delivery.crashes))
    delivery.doubtful = True
    metrics.DOUBTFUL.inc()
    log.warning("doubtful delivery repeated", extra={"delivery": delivery.pk, "trace_id": delivery.trace_id})


def post(transport: Transport, delivery: Delivery) -> str:
    key, plain, buttons = str(delivery.pk), delivery.plain, buttons_of(delivery)
    crashpoints.reached("delivery.sending")
    try:
        return transport.send(
            delivery.conversation.chat_id, delivery.text, plain=plain, key=key, buttons=buttons
        )
    except MarkupRefused:
        delivery.plain = True
        return transport.send(
            delivery.conversation.chat_id, delivery.text, plain=True, key=key, buttons=buttons
        )
    except Migrated as moved:
        follow(delivery.conversation, moved.new_chat_id)
        return transport.send(
            delivery.conversation.chat_id, delivery.text, plain=plain, key=key, buttons=buttons
        )


def buttons_of(delivery: Delivery) -> list[Button]:
    return [Button(*each) for each in delivery.buttons or ()]


def edit(transport: Transport, delivery: Delivery) -> str | None:
    """Fill a placeholder: asking twice shows it once, and "not modified" is the proof that it arrived.

    None when it was placed, and is filled when a limit allows.
    """
    if not delivery.external_id:
        place(transport, delivery)
        if not may_go(transport, delivery, edits=True):
            return None
    try:
        fill(transport, delivery)
    except (Vanished, Migrated) as gone:
        if isinstance(gone, Migrated):
            follow(delivery.conversation, gone.new_chat_id)
        place(transport, delivery)
        fill(transport, delivery)
    return delivery.external_id


def fill(transport: Transport, delivery: Delivery) -> None:
    where = delivery.conversation.chat_id, delivery.external_id
    buttons = buttons_of(delivery)
    crashpoints.reached("delivery.filling")
    try:
        transport.edit(*where, delivery.text, plain=delivery.plain, buttons=buttons)
    except MarkupRefused:
        delivery.plain = True
        transport.edit(*where, delivery.text, plain=True, buttons=buttons)
    except Unchanged:
        pass


def place(transport: Transport, delivery: Delivery) -> None:
    crashpoints.reached("delivery.placing")
    try:
        placed = transport.send(delivery.conversation.chat_id, PLACEHOLDER, plain=True)
    except Migrated as moved:
        follow(delivery.conversation, moved.new_chat_id)
        placed = transport.send(delivery.conversation.chat_id, PLACEHOLDER, plain=True)
    crashpoints.reached("delivery.placed")
    write(partial(delivery.write, external_id=placed))
    crashpoints.reached("delivery.marked")
    delivery.external_id = placed


def follow(conversation: Conversation, new_chat_id: str) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(chat_id=new_chat_id)
    conversation.chat_id = new_chat_id
