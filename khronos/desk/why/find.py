"""From what somebody has in hand to the rows it names: a trace, a row's number, the channel's own ids."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from khronos.database import storable
from khronos.intake import repeats
from khronos.models import Channel, Delivery, Event, Message, Turn, Update, conversation_id
from khronos.models.update import UpdateQuerySet

LAST = "last"  # what was said last: there, or anywhere
RECENT = 50_000  # updates: what made no event has no index of its trace, and is looked for among the newest
EVENTS_MAX = 200


class Unknown(Exception):
    """Nothing is called that; the text says what may be given."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was meant. `message` is what the contact said, wherever it can be told."""

    update: Update | None = None
    message: Message | None = None
    turn: Turn | None = None
    delivery: Delivery | None = None
    event: Event | None = None
    is_repeat: bool = False  # its own bytes were not stored: they were here already


def find(reference: str) -> Found:
    """Raises Unknown."""
    text = storable(reference).strip()
    noun, rest = row_named(text)
    found = None
    if noun in BY_NUMBER and is_number(rest):
        found = BY_NUMBER[noun](int(rest))
    elif "/" in text:
        found = by_chat(*text.rsplit("/", 1))
    elif is_number(text):
        found = by_message(int(text)) or by_key(text) or by_trace(text)
    elif text == LAST:
        found = last_said(messages())
    elif text:
        found = by_conversation(text) or by_trace(text) or by_key(text)
    if found is None:
        raise Unknown(
            _(
                "Nothing is known as %(text)s. What may be given: last, a trace id, a message's number, "
                "the key of an update, chat/message as Telegram numbers them, a conversation's id, "
                "or a row such as turn:12, delivery:12, update:12."
            )
            % {"text": text or "“”"}
        )
    return found


def row_named(text: str) -> tuple[str, str]:
    """`turn:12`, as programs write it, or `Turn 12`, as it stands in a sentence."""
    noun, _sign, rest = text.replace(":", " ", 1).partition(" ")
    return noun.lower(), rest.strip()


def is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def messages() -> "QuerySet[Message]":
    return Message.objects.select_related("turn", "update__channel").defer("update__raw")


def updates() -> UpdateQuerySet:
    return Update.objects.select_related("channel").defer("raw")


def by_message(pk: int) -> Found | None:
    message = messages().filter(pk=pk).first()
    return of_message(message) if message else None


def of_message(message: Message) -> Found:
    if message.author == Message.Author.CONTACT or message.turn is None:
        return Found(message=message, turn=message.turn, update=message.update)
    return of_turn(message.turn)


def by_turn(pk: int) -> Found | None:
    turn = Turn.objects.filter(pk=pk).first()
    return of_turn(turn) if turn else None


def of_turn(turn: Turn) -> Found:
    first = messages().filter(turn=turn, author=Message.Author.CONTACT).order_by("pk").first()
    return Found(turn=turn, message=first, update=first.update if first else None)


def by_delivery(pk: int) -> Found | None:
    delivery = Delivery.objects.filter(pk=pk).select_related("message__turn").first()
    return replace(of_message(delivery.message), delivery=delivery) if delivery else None


def by_update(pk: int) -> Found | None:
    update = updates().filter(pk=pk).first()
    return of_update(update) if update else None


def of_update(update: Update) -> Found:
    message = Message.objects.filter(update=update).select_related("turn").first()
    return Found(update=update, message=message, turn=message.turn if message else None)


def by_event(pk: int) -> Found | None:
    event = Event.objects.filter(pk=pk).first()
    return of_events([event]) if event else None


def of_events(events: Iterable[Event]) -> Found | None:
    """The earliest of them that names a row that is still here; else the event itself is all that is left."""
    event = None
    for event in events:
        for name, look in BY_PAYLOAD.items():
            if (pk := event.payload.get(name)) and (found := look(pk)):
                return replace(found, event=event)
    return of_talk(event) if event else None


def of_talk(event: Event) -> Found:
    """It names no row that is here; its conversation may have a turn of the same trace."""
    turn = Turn.objects.filter(conversation=event.conversation_id, trace_id=event.trace_id).first()
    return replace(of_turn(turn), event=event) if turn and event.trace_id else Found(event=event)


def by_trace(trace_id: str) -> Found | None:
    if found := of_events(Event.objects.filter(trace_id=trace_id).order_by("pk")[:EVENTS_MAX]):
        return found
    if found := by_correlation(trace_id):
        return found
    for rows in without_events():
        if update := rows.filter(trace_id=trace_id).first():
            return of_update(update)
    if update := repeats.original(trace_id):
        return replace(of_update(update), is_repeat=True)
    return None


def by_correlation(correlation_id: str) -> Found | None:
    """The newest that came under it: a caller may have one for all that concerns an order."""
    if update := updates().filter(correlation_id=correlation_id).order_by("pk").last():
        return of_update(update)
    event = Event.objects.filter(correlation_id=correlation_id).order_by("pk").last()
    return by_trace(event.trace_id) if event else None


def without_events() -> Iterator[UpdateQuerySet]:
    """Those that are not dispatched, by their own indexes; then the newest of the others."""
    yield updates().filter(state=Update.State.RECEIVED).order_by("conversation_id", "pk")
    yield updates().filter(state=Update.State.QUARANTINED).order_by("received_at")
    newest = Update.objects.aggregate(newest=Max("pk"))["newest"] or 0
    yield updates().filter(pk__gt=newest - RECENT).order_by("pk")


def by_conversation(text: str) -> Found | None:
    """The last that was said to us there."""
    try:
        pk = UUID(text) if len(text) == 36 else None
    except ValueError:
        return None
    return last_said(messages().filter(conversation=pk)) if pk else None


def by_chat(chat: str, external_id: str) -> Found | None:
    """As the channel numbers them; the same chat may talk to many of our bots."""
    talks = [conversation_id(channel, chat) for channel in Channel.objects.values_list("pk", flat=True)]
    rows = messages().filter(conversation__in=talks)
    if external_id == LAST:
        return last_said(rows)
    if said := contacts(rows).filter(external_id=external_id).order_by("pk").last():
        return of_message(said)
    shown = Delivery.objects.filter(conversation__in=talks, external_id=external_id)
    answer = shown.order_by("pk").last()
    return by_delivery(answer.pk) if answer else None


def contacts(rows: "QuerySet[Message]") -> "QuerySet[Message]":
    return rows.filter(author=Message.Author.CONTACT)


def last_said(rows: "QuerySet[Message]") -> Found | None:
    last = contacts(rows).order_by("-pk").first()
    return of_message(last) if last else None


def by_key(key: str) -> Found | None:
    channels = list(Channel.objects.values_list("pk", flat=True))
    update = updates().filter(channel__in=channels, key=key).order_by("pk").last()
    return of_update(update) if update else None


BY_NUMBER: dict[str, Callable[[int], Found | None]] = {
    "message": by_message,
    "turn": by_turn,
    "delivery": by_delivery,
    "update": by_update,
    "event": by_event,
}
# What events name; an update tells more than a turn, which may be of many.
BY_PAYLOAD = {"update_id": by_update, "turn_id": by_turn, "delivery_id": by_delivery}
