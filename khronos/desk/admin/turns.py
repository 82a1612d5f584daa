"""Turns: the work of answering."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from khronos.conversation import repair
from khronos.desk.admin import columns
from khronos.desk.admin.base import ReadOnlyAdmin
from khronos.desk.admin.filters import ByProvider, Since, Unsettled
from khronos.desk.admin.growing import Growing
from khronos.desk.admin.mixins import Explained, OfConversation, Traced, Worked
from khronos.desk.lengths import words
from khronos.models import Turn


@admin.register(Turn)
class TurnAdmin(Growing, Worked, OfConversation, Traced, Explained, ReadOnlyAdmin[Turn]):
    list_display = (
        "number",
        "talk",
        "status",
        "since",
        "when_due",
        "tries",
        "spoke",
        "thought",
        "why",
        "path",
        "explained",
    )
    list_filter = (Unsettled, "state", Since, ByProvider, "apologised")
    list_select_related = ("conversation__contact",)
    search_fields = (
        "trace_id__exact",
        "conversation__chat_id__exact",
        "conversation__contact__name",
        "reason",
    )
    id_fields = {36: ("conversation",), 32: ("trace_id",)}
    ordering = ("-pk",)
    actions = ("ring_again", "answer_again")
    fieldsets = (
        (None, {"fields": ("talk", "status", "why", "said")}),
        (_("Work"), {"fields": ("since", "when_due", "tries", "rung", "fenced", "was_amended", "was_told")}),
        (_("Answer"), {"fields": ("answered_at", "spoke", "input_tokens", "output_tokens", "thought")}),
        (_("Trace"), {"fields": ("whole_path", "explained")}),
    )
    readonly_fields = (
        *("talk", "status", "said", "since", "when_due", "tries", "rung", "fenced", "why"),
        *("was_amended", "was_told", "spoke", "thought", "whole_path", "explained"),
    )

    @admin.display(description=_("turn"), ordering="pk")
    def number(self, row: Turn) -> str:
        return str(row.pk)

    @admin.display(description=_("state"), ordering="state")
    def status(self, row: Turn) -> str:
        return columns.state(row.state, row.get_state_display())

    @admin.display(description=_("model"))
    def spoke(self, row: Turn) -> str:
        return columns.whole(row.model or row.provider or columns.NONE)

    @admin.display(description=_("amended"))
    def was_amended(self, row: Turn) -> str:
        return columns.yes_no(row.amended)

    @admin.display(description=_("told to wait"))
    def was_told(self, row: Turn) -> str:
        return columns.yes_no(row.apologised)

    @admin.display(description=_("thinking"), ordering="thinking_ms")
    def thought(self, row: Turn) -> str:
        return words(row.thinking_ms / 1000) if row.thinking_ms else columns.NONE

    @admin.display(description=_("messages"))
    def said(self, row: Turn) -> str:
        lines = [f"{said.get_author_display()}: {said.text}" for said in row.messages.order_by("pk")[:50]]
        return columns.block("\n".join(lines)) if lines else columns.NONE

    @admin.action(description=_("Ring again now"), permissions=["repair"])
    def ring_again(self, request: HttpRequest, queryset: QuerySet[Turn]) -> None:
        self.repair(request, queryset, repair.ring_again, gettext("Due now"))

    @admin.action(description=_("Answer again"), permissions=["repair"])
    def answer_again(self, request: HttpRequest, queryset: QuerySet[Turn]) -> None:
        self.repair(request, queryset, repair.answer_again, gettext("Will be answered"))

    def offers(self, row: Turn) -> list[str]:
        if row.state == Turn.State.BURIED:
            return ["answer_again"]
        return ["ring_again"] if row.due_at else []
