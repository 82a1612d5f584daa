"""Deliveries: the outbox."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from khronos.conversation import repair
from khronos.desk.admin import columns
from khronos.desk.admin.base import ReadOnlyAdmin
from khronos.desk.admin.filters import Since, Unsettled
from khronos.models import Conversation, Delivery, Message


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin[Delivery]):
    list_display = (
        "number",
        "talk",
        "beginning",
        "status",
        "since",
        "when_due",
        "attempts",
        "reason",
        "path",
    )
    list_filter = (Unsettled, "state", Since, "doubtful")
    list_select_related = ("conversation__contact",)
    search_fields = ("trace_id__exact", "conversation__chat_id__exact", "conversation__contact__name", "text")
    uuid_fields = ("conversation",)
    ordering = ("-pk",)
    actions = ("send_again", "send_now")
    fieldsets = (
        (None, {"fields": ("talk", "status", "reason", "whole_text")}),
        (_("Work"), {"fields": ("since", "when_due", "attempts", "deferrals", "rung_at", "fence")}),
        (_("Sent"), {"fields": ("sent_at", "answers", "part", "external_id", "plain", "doubtful")}),
        (_("Trace"), {"fields": ("path", "trace_id")}),
    )
    readonly_fields = ("talk", "status", "whole_text", "since", "when_due", "answers", "path")

    @admin.display(description=_("delivery"), ordering="pk")
    def number(self, row: Delivery) -> str:
        return str(row.pk)

    @admin.display(description=_("conversation"))
    def talk(self, row: Delivery) -> str:
        who = row.conversation.contact or row.conversation
        return columns.link(Conversation, row.conversation_id, who)

    @admin.display(description=_("message"))
    def answers(self, row: Delivery) -> str:
        return columns.link(Message, row.message_id, row.message_id)

    @admin.display(description=_("text"))
    def beginning(self, row: Delivery) -> str:
        return columns.excerpt(row.text, 60)

    @admin.display(description=_("text"))
    def whole_text(self, row: Delivery) -> str:
        return columns.block(row.text)

    @admin.display(description=_("state"), ordering="state")
    def status(self, row: Delivery) -> str:
        label = columns.state(row.state, row.get_state_display())
        return label + " " + columns.badge(_g("may be a repeat"), "warning") if row.doubtful else label

    @admin.display(description=_("age"), ordering="pk")
    def since(self, row: Delivery) -> str:
        return columns.age(row.created_at)

    @admin.display(description=_("due"), ordering="due_at")
    def when_due(self, row: Delivery) -> str:
        return columns.due(row.due_at)

    @admin.display(description=_("trace"))
    def path(self, row: Delivery) -> str:
        return columns.trace(row.trace_id)

    @admin.action(description=_("Send again"), permissions=["repair"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        self.repair(request, queryset, repair.send_again, _g("Will be sent"))

    @admin.action(description=_("Do not wait for the next try"), permissions=["repair"])
    def send_now(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        self.repair(request, queryset, repair.send_now, _g("Due now"))

    def offers(self, row: Delivery) -> list[str]:
        if row.state == Delivery.State.FAILED:
            return ["send_again"]
        return ["send_now"] if row.state == Delivery.State.PENDING else []
