"""Turns: the work of answering."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from khronos.conversation import repair
from khronos.desk.admin import columns
from khronos.desk.admin.base import ReadOnlyAdmin
from khronos.desk.admin.filters import Since, Unsettled
from khronos.models import Conversation, Turn


@admin.register(Turn)
class TurnAdmin(ReadOnlyAdmin[Turn]):
    list_display = (
        "number",
        "talk",
        "status",
        "since",
        "when_due",
        "tries",
        "spoke",
        "thought",
        "reason",
        "path",
    )
    list_filter = (Unsettled, "state", Since, "provider", "apologised")
    list_select_related = ("conversation__contact",)
    search_fields = (
        "trace_id__exact",
        "conversation__chat_id__exact",
        "conversation__contact__name",
        "reason",
    )
    uuid_fields = ("conversation",)
    ordering = ("-pk",)
    actions = ("ring_again", "answer_again")
    fieldsets = (
        (None, {"fields": ("talk", "status", "reason", "said")}),
        (_("Work"), {"fields": ("since", "when_due", "tries", "rung_at", "fence", "amended", "apologised")}),
        (
            _("Answer"),
            {"fields": ("answered_at", "provider", "model", "input_tokens", "output_tokens", "thought")},
        ),
        (_("Trace"), {"fields": ("path", "trace_id")}),
    )
    readonly_fields = ("talk", "status", "said", "since", "when_due", "tries", "thought", "path")

    @admin.display(description=_("turn"), ordering="pk")
    def number(self, row: Turn) -> str:
        return str(row.pk)

    @admin.display(description=_("conversation"))
    def talk(self, row: Turn) -> str:
        who = row.conversation.contact or row.conversation
        return columns.link(Conversation, row.conversation_id, who)

    @admin.display(description=_("state"), ordering="state")
    def status(self, row: Turn) -> str:
        return columns.state(row.state, row.get_state_display())

    @admin.display(description=_("age"), ordering="pk")
    def since(self, row: Turn) -> str:
        return columns.age(row.created_at)

    @admin.display(description=_("due"), ordering="due_at")
    def when_due(self, row: Turn) -> str:
        return columns.due(row.due_at)

    @admin.display(description=_("tries"), ordering="attempts")
    def tries(self, row: Turn) -> str:
        if not row.deferrals:
            return str(row.attempts)
        return _g("%(n)s, of them put off: %(m)s") % {"n": row.attempts, "m": row.deferrals}

    @admin.display(description=_("model"))
    def spoke(self, row: Turn) -> str:
        return row.model or row.provider or columns.NONE

    @admin.display(description=_("thinking"), ordering="thinking_ms")
    def thought(self, row: Turn) -> str:
        return columns.words(row.thinking_ms / 1000) if row.thinking_ms else columns.NONE

    @admin.display(description=_("trace"))
    def path(self, row: Turn) -> str:
        return columns.trace(row.trace_id)

    @admin.display(description=_("messages"))
    def said(self, row: Turn) -> str:
        lines = [f"{said.get_author_display()}: {said.text}" for said in row.messages.order_by("pk")[:50]]
        return columns.block("\n".join(lines)) if lines else columns.NONE

    @admin.action(description=_("Ring again now"), permissions=["repair"])
    def ring_again(self, request: HttpRequest, queryset: QuerySet[Turn]) -> None:
        self.repair(request, queryset, repair.ring_again, _g("Due now"))

    @admin.action(description=_("Answer again"), permissions=["repair"])
    def answer_again(self, request: HttpRequest, queryset: QuerySet[Turn]) -> None:
        self.repair(request, queryset, repair.answer_again, _g("Will be answered"))

    def offers(self, row: Turn) -> list[str]:
        if row.state == Turn.State.BURIED:
            return ["answer_again"]
        return ["ring_again"] if row.due_at else []
