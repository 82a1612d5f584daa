"""Columns that many nouns have: their conversation, their trace, their age, their work."""

from datetime import datetime
from typing import Protocol

from django.contrib import admin
from django.db.models import Model
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from khronos.desk.admin import columns
from khronos.models import Conversation, Delivery, Turn


class HasTrace(Protocol):
    trace_id: str


class HasConversation(Protocol):
    conversation: Conversation


class HasAge(Protocol):
    created_at: datetime


class Traced:
    @admin.display(description=_("trace"))
    def path(self, row: HasTrace) -> str:
        return columns.trace(row.trace_id)

    @admin.display(description=_("trace"))
    def whole_path(self, row: HasTrace) -> str:
        return columns.trace(row.trace_id, len(row.trace_id))


class Explained:
    """The way to what became of it."""

    @admin.display(description=_("why?"))
    def explained(self, row: Model) -> str:
        table = row._meta.concrete_model or type(row)  # of a proxy, what it stands for
        return columns.why(f"{table._meta.model_name}:{row.pk}")


class OfConversation:
    @admin.display(description=_("conversation"))
    def talk(self, row: HasConversation) -> str:
        talk = row.conversation
        return columns.link(Conversation, talk.pk, talk.contact or talk)


class Aged:
    @admin.display(description=_("age"), ordering="pk")
    def since(self, row: HasAge) -> str:
        return columns.age(row.created_at)


class Worked(Aged):
    @admin.display(description=_("due"), ordering="due_at")
    def when_due(self, row: Turn | Delivery) -> str:
        return columns.due(row.due_at)

    @admin.display(description=_("rung"), ordering="rung_at")
    def rung(self, row: Turn | Delivery) -> str:
        return columns.age(row.rung_at)

    @admin.display(description=_("tries"), ordering="attempts")
    def tries(self, row: Turn | Delivery) -> str:
        if not row.deferrals:
            return str(row.attempts)
        return gettext("%(n)s (%(m)s put off)") % {"n": row.attempts, "m": row.deferrals}

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, row: Turn | Delivery) -> str:
        return columns.line(row.reason, 200)

    @admin.display(description=_("fence"))
    def fenced(self, row: Turn | Delivery) -> str:
        return str(row.fence)
