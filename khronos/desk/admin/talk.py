"""What the page of a conversation shows: its head, the timeline, and the form for an answer."""

import hashlib
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html

from khronos.desk.admin import columns, inbox
from khronos.desk.admin.pauses import sign
from khronos.desk.admin.timeline import PAGE, timeline
from khronos.desk.why.standing import reasons
from khronos.models import (
    Attachment,
    CannedAnswer,
    Conversation,
    Delivery,
    Event,
    Message,
    Pause,
    Queue,
    Remark,
    Summary,
    ToolCall,
    Turn,
)

# What the page reads of a conversation along with it.
ALONG = ("contact", "channel__pause", "queue", "operator", "tenant__pause", "pause")
CANNED_MAX = 300
WATCHED = 30  # messages, the newest, and what hangs on them


def talk(
    request: HttpRequest, conversation: Conversation, before: int | None = None, most: int = PAGE
) -> dict[str, Any]:
    shows_events = request.GET.get("events") != "0"
    may_repair = request.user.has_perm("khronos.change_conversation")
    model_admin: Any = admin.site.get_model_admin(Conversation)
    return {
        "original": conversation,
        "timeline": timeline(conversation, before, with_events=shows_events, most=most),
        "reasons": reasons(conversation),
        "queues": Queue.objects.filter(tenant=conversation.tenant_id).order_by("-is_default", "name"),
        "may_repair": may_repair,
        "may_answer": may_repair and is_held(conversation, request),
        "answer_token": inbox.token(),
        "note_token": inbox.token(),
        "canned": partial(canned, conversation),
        "answer_max": inbox.ANSWER_MAX,
        "may_ring": request.user.has_perm("khronos.change_turn"),
        "may_send": request.user.has_perm("khronos.change_delivery"),
        "summary": Summary.objects.filter(conversation=conversation).first(),
        "acted": columns.age(conversation.acted_at),
        "badges": [status(conversation), answers(conversation)],
        "offers": model_admin.offered(request, conversation),
        "offers_url": columns.list_of(Conversation),
    }


def canned(conversation: Conversation) -> list[tuple[str, str]]:
    """By name, with the text as it would be said to this contact."""
    rows = CannedAnswer.objects.filter(tenant=conversation.tenant_id).order_by("name")
    return [(row.name, row.to(conversation.contact)) for row in rows[:CANNED_MAX]]


def is_held(conversation: Conversation, request: HttpRequest) -> bool:
    """By whoever asks."""
    is_mine = conversation.operator_id is not None and conversation.operator_id == request.user.pk
    is_open = conversation.state == Conversation.State.OPEN
    return is_mine and is_open and conversation.handler == Conversation.Handler.HUMAN


def status(row: Conversation) -> str:
    label = columns.state(row.state, row.get_state_display())
    paused = sign(row, row.channel, row.tenant)
    return format_html("{} {}", label, paused)


def answers(row: Conversation) -> str:
    return columns.state(row.handler, row.get_handler_display())


def mark_of(row: Conversation) -> str:
    """Another one whenever the page would show something else, but for what time alone changes.

    Not the newest number alone: on PostgreSQL a smaller one may appear after it.
    """
    talk = {"conversation": row.pk}
    messages = [pk for (pk,) in newest(Message, **talk)]
    turns = newest(Turn, "state", "attempts", **talk)[:2]
    parts = [
        (row.updated_at, row.state, row.handler, row.queue_id, row.operator_id, row.handed_at),
        messages,
        turns,
        newest(Event, conversation_id=row.pk),
        newest(Delivery, "state", "attempts", due_at__isnull=False, **talk),
        newest(Attachment, "state", message__in=messages),
        newest(ToolCall, "state", turn__in=[pk for pk, *_state in turns]),
        newest(Remark, **talk),
        newest(Pause, **talk),
    ]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def newest(model: type[Model], *names: str, **which: Any) -> list[tuple[Any, ...]]:
    rows = model._default_manager.filter(**which).order_by("-pk")
    return list(rows.values_list("pk", *names)[:WATCHED])
