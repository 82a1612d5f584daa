"""From understood updates to rows: contacts, conversations, messages, turns; few statements for many."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import F
from django.db.models.lookups import In

from khronos.channels.base import Happening, Incoming
from khronos.conversation.wishes import is_for_the_bot
from khronos.models import (
    Channel,
    Contact,
    Conversation,
    Message,
    Turn,
    Update,
    contact_id,
    conversation_id,
)
from khronos.models.among import SelectAmong
from khronos.models.prepared import NOW, insert_all

SPOKEN = (Happening.MESSAGE, Happening.BUTTON)

KNOWN = SelectAmong(lambda pks: Contact.objects.filter(pk__in=pks), pks=Contact._meta.pk)
# Whoever changes hands waits for us, or we for them; in one order, so that two dispatchers never lock up.
LOCKED = SelectAmong(
    lambda pks: Conversation.objects.select_for_update().filter(pk__in=pks).order_by("pk"),
    pks=Conversation._meta.pk,
)
# The lock keeps a worker from taking the turn before our messages are in it.
COLLECTING = SelectAmong(
    lambda conversations: (
        Turn.objects.select_for_update()
        .filter(In(F("conversation"), conversations), state=Turn.State.WAITING)  # a key's own takes no slots
        .order_by("pk")
    ),
    conversations=Conversation._meta.pk,
)


@dataclass(frozen=True, slots=True)
class Understood:
    """One update with what it says."""

    update: Update
    channel: Channel
    incoming: Incoming

    @property
    def conversation_id(self) -> UUID:
        return conversation_id(self.channel.pk, self.incoming.chat_id)

    @property
    def contact_id(self) -> UUID | None:
        sender = self.incoming.sender
        return contact_id(self.channel.pk, sender.id) if sender else None

    @property
    def is_spoken(self) -> bool:
        return self.incoming.happening in SPOKEN


def contacts(arrivals: Iterable[Understood]) -> dict[UUID, Contact]:
    """The senders' rows, made or brought up to date."""
    latest = {
        contact_id(each.channel.pk, sender.id): (each.channel, sender)
        for each in arrivals
        if (sender := each.incoming.sender)
    }
    known = {contact.pk: contact for contact in KNOWN(pks=list(latest))}
    new = []
    for pk, (channel, sender) in latest.items():
        facts = {"name": sender.name, "username": sender.username, "language": sender.language}
        contact = known.get(pk)
        if contact is None:
            contact = Contact(
                pk=pk,
                tenant_id=channel.tenant_id,
                channel_id=channel.pk,
                external_id=sender.id,
                **facts,
            )
            new.append(contact)
            known[pk] = contact
        elif contact.is_blocked or any(
            value and getattr(contact, name) != value for name, value in facts.items()
        ):
            # who writes to us hears us again
            Contact.objects.filter(pk=pk).update(is_blocked=False, **{k: v for k, v in facts.items() if v})
    insert_all(sorted(new, key=lambda contact: contact.pk), unless_there=True)
    return known


def conversations(arrivals: Iterable[Understood], people: dict[UUID, Contact]) -> dict[UUID, Conversation]:
    latest = {each.conversation_id: each for each in arrivals}
    known = {conversation.pk: conversation for conversation in LOCKED(pks=list(latest))}
    new = [opened(latest[pk]) for pk in sorted(latest) if pk not in known]
    insert_all(new, unless_there=True)
    known |= {conversation.pk: conversation for conversation in new}
    spoken = {each.conversation_id for each in arrivals if each.is_spoken}
    for pk, conversation in known.items():
        if conversation.state == Conversation.State.CLOSED and pk in spoken:
            reopen(conversation, latest[pk].channel)
    Conversation.objects.filter(pk__in=list(known)).update(updated_at=NOW)
    return known


def opened(arrival: Understood) -> Conversation:
    incoming, channel = arrival.incoming, arrival.channel
    title = incoming.chat_title or (incoming.sender.name if incoming.sender else "")
    handler = handler_of(channel)
    return Conversation(
        pk=arrival.conversation_id,
        tenant_id=channel.tenant_id,
        channel_id=channel.pk,
        contact_id=arrival.contact_id,
        chat_id=incoming.chat_id,
        chat_type=incoming.chat_type,
        title=title[:300],
        handler=handler,
        queue_id=channel.queue_id,
        handed_at=NOW if handler == Conversation.Handler.QUEUE else None,
    )


def handler_of(channel: Channel) -> Conversation.Handler:
    """As the channel routes; the bot where it names no queue."""
    if channel.routing == Channel.Routing.QUEUE and channel.queue_id is None:
        return Conversation.Handler.BOT
    return Conversation.Handler(channel.routing)


def reopen(conversation: Conversation, channel: Channel) -> None:
    conversation.state = Conversation.State.OPEN
    conversation.handler = handler_of(channel)
    conversation.queue_id, conversation.operator_id = channel.queue_id, None
    Conversation.objects.filter(pk=conversation.pk).update(
        state=conversation.state,
        handler=conversation.handler,
        queue=channel.queue_id,
        operator=None,
        handed_at=NOW if conversation.handler == Conversation.Handler.QUEUE else None,
    )


def wants_answer(arrival: Understood, conversation: Conversation) -> bool:
    """Ours: people answer what is said to them, and no command."""
    if not (arrival.is_spoken and arrival.incoming.addressed):
        return False
    return not conversation.is_with_people or is_for_the_bot(arrival.incoming)


def kept_waiting(left: Iterable[Understood], chats: Mapping[UUID, Conversation]) -> dict[UUID, Update]:
    """Who waits long and writes shall be told that nobody is free yet; by what they wrote."""
    in_line = Conversation.Handler.QUEUE
    written = {
        each.conversation_id: each.update
        for each in left
        if each.incoming.addressed and chats[each.conversation_id].handler == in_line
    }
    if not written or not settings.WAITING_TOLD_EVERY:
        return {}
    untold = Conversation.objects.untold(settings.WAITING_TOLD_EVERY).filter(pk__in=list(written))
    return {pk: written[pk] for pk in untold.values_list("pk", flat=True)}


def waiting_turns(asked: dict[UUID, Update]) -> tuple[dict[UUID, Turn], set[UUID]]:
    """The turn that collects, of each conversation (made where there is none), and which ones were made."""
    known, made = collecting(list(asked)), set[UUID]()
    while missing := [pk for pk in sorted(asked) if pk not in known]:
        made.update(missing)
        insert_all(
            [Turn(conversation_id=pk, **asked[pk].ids, rung_at=NOW) for pk in missing],
            unless_there=True,  # somebody was quicker: that turn is as good, unless it is taken already
        )
        known |= collecting(missing)
    return known, made


def collecting(conversation_ids: Sequence[UUID]) -> dict[UUID, Turn]:
    return {turn.conversation_id: turn for turn in COLLECTING(conversations=conversation_ids)}


def message(arrival: Understood, turn: Turn | None) -> Message:
    incoming = arrival.incoming
    return Message(
        conversation_id=arrival.conversation_id,
        turn=turn,
        update=arrival.update,
        author=Message.Author.CONTACT,
        sender_name=incoming.sender.name[:300] if incoming.sender else "",
        content=incoming.content,
        text=incoming.text,
        media={**incoming.media, **({"callback_id": incoming.callback_id} if incoming.callback_id else {})},
        external_id=incoming.message_id,
    )
