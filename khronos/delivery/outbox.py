"""The outbox: a message becomes one row for each part that the channel will show."""

from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from khronos.bus import events
from khronos.channels import transport_of
from khronos.channels.splitting import split
from khronos.delivery import counting
from khronos.models import Conversation, Delivery, Event, Message, Pause
from khronos.models.lease import holder
from khronos.models.prepared import Select, Slot, from_now, insert
from khronos.observability.steps import Ids, happened

# One row where what is said now has to wait: something earlier is on its way, or sending is paused.
HELD_BACK = Select(
    lambda: Conversation.objects.filter(
        Exists(Delivery.objects.unsettled().filter(conversation=OuterRef("pk")))
        | Exists(Pause.objects.holding(Pause.Queue.DELIVERY, conversation="pk")),
        pk=Slot("conversation", Conversation._meta.pk),
    ).only("pk")
)


def enqueue(
    conversation: Conversation, message: Message, ids: Ids, *, leased_to_us: bool = True
) -> list[Delivery]:
    """In the transaction that stores the message. Answers the parts, for the caller to send after the commit.

    The first is leased to the caller at once, unless it has to wait; or the caller only rings for it.
    """
    transport = transport_of(conversation.channel)
    if transport.pulled:
        return read_by_cursor(conversation, message, ids)
    texts = split(message.text, transport.text_limit)
    ours = leased_to_us and not HELD_BACK(conversation=conversation.pk)
    return [
        insert(
            Delivery(
                conversation=conversation,
                message=message,
                part=part,
                text=text,
                **ids,
                buttons=message.media.get("buttons") if part == len(texts) - 1 else None,
                **(leased() if ours and part == 0 else {}),
            )
        )
        for part, text in enumerate(texts)
    ]


def leased() -> dict[str, Any]:
    return {
        "state": Delivery.State.SENDING,
        "attempts": 1,
        "fence": 1,
        "due_at": from_now(settings.DELIVERY_LEASE),
        "holder": f"{holder()}/",
    }


def read_by_cursor(conversation: Conversation, message: Message, ids: Ids) -> list[Delivery]:
    """The reader fetches rows: stored is delivered."""
    delivery = Delivery.objects.create(
        conversation=conversation,
        message=message,
        text=message.text,
        **ids,
        state=Delivery.State.SENT,
        due_at=None,
        sent_at=Now(),
    )
    events.record([sent(delivery, conversation)])
    transaction.on_commit(partial(counting.sent, delivery))
    transaction.on_commit(partial(tell_sent, delivery))
    return []


def tell_sent(delivery: Delivery) -> None:
    conversation = delivery.conversation
    happened(
        "delivery.sent",
        after="turn.taken",
        **delivery.ids,
        conversation=conversation.pk,
        user_id=conversation.contact_id,
        delivery=delivery.pk,
        channel=conversation.channel.slug,
    )


def sent(delivery: Delivery, conversation: Conversation) -> Event:
    return events.make(
        Event.Type.MESSAGE_SENT,
        key=f"sent:{delivery.pk}",
        **delivery.ids,
        conversation=conversation,
        payload={"delivery_id": delivery.pk, "message_id": delivery.message_id, "part": delivery.part}
        | delivery.effort,
    )
