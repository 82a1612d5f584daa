"""All that is known of one message, read from the database in a bounded number of questions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q
from django.utils import timezone

from khronos.conversation.handoff import HANDED
from khronos.desk.why.find import EVENTS_MAX, Found
from khronos.intake import repeats
from khronos.models import (
    Conversation,
    DeadLetter,
    Delivery,
    Event,
    Message,
    Pause,
    ToolCall,
    ToolRound,
    Triage,
    Turn,
    Update,
)
from khronos.observability.steps import Ids

MANY = 100  # questions of a turn, what was said to them, deliveries of it, deeds of operators
PEOPLE = (Event.Type.HANDOFF_REQUESTED, Event.Type.HANDOFF_ACCEPTED, Event.Type.CONVERSATION_CLOSED)
NOBODYS: Ids = {"trace_id": "", "correlation_id": None}
DEEDS = (Turn, Delivery, Message, Update, Conversation)


@dataclass(slots=True)
class Life:
    found: Found
    now: datetime
    conversation: Conversation | None = None
    questions: Sequence[Message] = ()  # of the turn, ours among them
    said: list[Message] = field(default_factory=list)  # to the contact: answers, notices, what a person wrote
    deliveries: Sequence[Delivery] = ()
    events: Sequence[Event] = ()  # oldest first, of all traces that meet here
    triage: Triage | None = None
    rounds: Sequence[ToolRound] = ()  # of a model; those of people are told with their calls
    calls: Sequence[ToolCall] = ()  # asked for in this turn, or made in it
    letters: Sequence[DeadLetter] = ()
    deeds: Sequence[LogEntry] = ()
    pauses: Sequence[Pause] = ()
    ahead: Turn | Delivery | None = None  # what has to be done first: order is kept
    repeats: int | None = None
    began: datetime = field(default_factory=timezone.now)

    @property
    def turn(self) -> Turn | None:
        return self.found.turn

    @property
    def message(self) -> Message | None:
        return self.found.message

    @property
    def update(self) -> Update | None:
        return self.found.update

    @property
    def answers(self) -> list[Message]:
        """Not what Khronos itself says of waiting or giving up."""
        return [each for each in self.said if each.author != Message.Author.SYSTEM]

    def parts_of(self, messages: Iterable[Message]) -> list[Delivery]:
        ids = {message.pk for message in messages}
        return [each for each in self.deliveries if each.message_id in ids]

    def told(self, *types: str) -> list[Event]:
        return [each for each in self.events if each.type in types]

    @property
    def ids(self) -> Ids:
        rows = (self.update, self.turn, self.found.delivery, self.found.event)
        return next((row.ids for row in rows if row), NOBODYS)


def gather(found: Found) -> Life:
    life = Life(found, timezone.now())
    life.conversation = conversation_of(found)
    if found.turn:
        rows = found.turn.messages.select_related("operator").order_by("pk")
        life.questions = list(rows.filter(author=Message.Author.CONTACT)[:MANY])
        life.said = list(rows.exclude(author=Message.Author.CONTACT)[:MANY])
        gather_tools(life, found.turn)
        if found.message and found.turn.reason == HANDED:
            life.said += written_after(found.message)
    elif found.message:
        life.said = written_after(found.message)
    life.deliveries = list(Delivery.objects.filter(message__in=life.said).order_by("pk")[:MANY])
    life.began = beginning(life)
    life.events = events_of(life)
    life.letters = letters_of(life)
    life.deeds = deeds_of(life)
    if life.conversation:
        life.pauses = list(Pause.objects.over(life.conversation).known().order_by("paused_at"))
        life.ahead = ahead_of(life)
    if found.update:
        life.repeats = repeats.times(found.update)
    return life


def gather_tools(life: Life, turn: Turn) -> None:
    life.triage = Triage.objects.select_related("queue").filter(turn=turn).first()
    mine = ToolCall.objects.filter(Q(turn=turn) | Q(round__turn=turn))
    life.calls = list(mine.select_related("decided_by").order_by("pk")[:MANY])
    if life.calls:
        life.rounds = list(turn.rounds.exclude(provider="").order_by("number"))


def conversation_of(found: Found) -> Conversation | None:
    rows = (found.message, found.turn, found.delivery, found.update, found.event)
    pk = next((row.conversation_id for row in rows if row and row.conversation_id), None)
    related = ("contact", "channel", "tenant", "queue", "operator")
    return Conversation.objects.select_related(*related).filter(pk=pk).first() if pk else None


def written_after(message: Message) -> list[Message]:
    """What a person said next; or this, when a person said it."""
    if message.author != Message.Author.CONTACT:
        return [message]
    rows = Message.objects.filter(conversation=message.conversation_id, pk__gt=message.pk)
    answer = rows.filter(author=Message.Author.OPERATOR).select_related("operator").order_by("pk").first()
    return [answer] if answer else []


def beginning(life: Life) -> datetime:
    found = life.found
    if found.update:
        return found.update.received_at
    for row in (found.message, found.turn, found.delivery):
        if row:
            return row.created_at
    return found.event.timestamp if found.event else life.now


def events_of(life: Life) -> list[Event]:
    """Of the message's trace and its turn's, and what people did in the conversation since."""
    found = life.found
    rows = (found.update, found.turn, found.delivery, found.event, *life.deliveries)
    traces = {row.trace_id for row in rows if row}
    events = list(Event.objects.filter(trace_id__in=traces).order_by("pk")[:EVENTS_MAX])
    if life.conversation:
        since = Event.objects.filter(conversation_id=life.conversation.pk, type__in=PEOPLE)
        if events:
            since = since.filter(pk__gt=events[0].pk)
        if ended := end_of(life):
            since = since.filter(timestamp__lte=ended)
        events += since.filter(timestamp__gte=life.began).order_by("pk")[:MANY]
    each = {event.pk: event for event in events}.values()
    return sorted(each, key=lambda event: (event.timestamp, event.pk))


def end_of(life: Life) -> datetime | None:
    """When it was answered for good: what people did in the conversation later is another story."""
    if not life.answers or any(part.due_at for part in life.deliveries):
        return None
    ends = [part.sent_at for part in life.deliveries if part.sent_at]
    return max([*ends, *(each.created_at for each in life.answers)])


def letters_of(life: Life) -> list[DeadLetter]:
    ids = [str(part.pk) for part in life.deliveries]
    named = Q(source=DeadLetter.Source.DELIVERY, name="delivery", key__in=ids)
    if life.turn:
        named |= Q(source=DeadLetter.Source.TURN, name="turn", key=str(life.turn.pk))
    return list(DeadLetter.objects.filter(named).order_by("pk"))


def deeds_of(life: Life) -> list[LogEntry]:
    """What operators did with these rows by a button."""
    found = life.found
    rows: list[Model | None] = [found.update, found.message, found.turn, *life.deliveries]
    kinds = ContentType.objects.get_for_models(*DEEDS)
    named = Q()
    for kind in kinds.values():
        ids = [str(row.pk) for row in rows if row and row._meta.label_lower == f"khronos.{kind.model}"]
        if ids:
            named |= Q(content_type=kind, object_id__in=ids)
    entries = LogEntry.objects.filter(named) if named else LogEntry.objects.none()
    return list(entries.select_related("user", "content_type").order_by("pk")[:MANY])


def ahead_of(life: Life) -> Turn | Delivery | None:
    """The row of this conversation that keeps ours from being due."""
    turn = life.turn
    if turn and turn.due_at:
        others = Turn.objects.filter(conversation=turn.conversation_id, state__in=Turn.UNDER_WAY)
        return others.exclude(pk=turn.pk).first() if turn.state == Turn.State.WAITING else None
    undone = [part for part in life.deliveries if part.due_at]
    if not undone:
        return None
    rows = Delivery.objects.unsettled().filter(conversation=undone[0].conversation_id)
    return rows.filter(pk__lt=undone[0].pk).order_by("pk").first()
