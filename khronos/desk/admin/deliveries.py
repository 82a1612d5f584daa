"""Deliveries: the outbox."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from khronos.conversation import repair
from khronos.desk.admin import columns
from khronos.desk.admin.base import ReadOnlyAdmin
from khronos.desk.admin.filters import Since, Unsettled
from khronos.desk.admin.growing import Growing
from khronos.desk.admin.mixins import Explained, OfConversation, Traced, Worked
from khronos.models import Delivery, Message


@admin.register(Delivery)
class DeliveryAdmin(Growing, Worked, OfConversation, Traced, Explained, ReadOnlyAdmin[Delivery]):
    list_display = (
        "number",
        "talk",
        "beginning",
        "status",
        "since",
        "when_due",
        "tries",
        "why",
        "path",
        "explained",
    )
    list_filter = (Unsettled, "state", Since, "doubtful")
    list_select_related = ("conversation__contact",)
    search_fields = ("trace_id__exact", "conversation__chat_id__exact", "conversation__contact__name", "text")
    id_fields = {36: ("conversation",), 32: ("trace_id",)}
    ordering = ("-pk",)
    actions = ("send_again", "send_now")
    fieldsets = (
        (None, {"fields": ("talk", "status", "why", "whole_text")}),
        (_("Work"), {"fields": ("since", "when_due", "tries", "rung", "fenced")}),
        (_("Sent"), {"fields": ("sent_at", "answers", "part", "external_id", "was_plain")}),
        (_("Trace"), {"fields": ("whole_path", "explained")}),
    )
    readonly_fields = (
        "talk",
        "status",
        "whole_text",
        "since",
        "when_due",
        "answers",
        "was_plain",
        "whole_path",
        "explained",
    )

    @admin.display(description=_("delivery"), ordering="pk")
    def number(self, row: Delivery) -> str:
        return str(row.pk)

    @admin.display(description=_("message"))
    def answers(self, row: Delivery) -> str:
        return columns.link(Message, row.message_id, row.message_id)

    @admin.display(description=_("text"))
    def beginning(self, row: Delivery) -> str:
        return columns.line(row.text, 60)

    @admin.display(description=_("text"))
    def whole_text(self, row: Delivery) -> str:
        return columns.block(row.text)

    @admin.display(description=_("state"), ordering="state")
    def status(self, row: Delivery) -> str:
        label = columns.state(row.state, row.get_state_display())
        if not row.doubtful:
            return label
        return format_html("{} {}", label, columns.badge(gettext("may be a repeat"), "warning"))

    @admin.display(description=_("without markup"))
    def was_plain(self, row: Delivery) -> str:
        return columns.yes_no(row.plain)

    @admin.action(description=_("Send again"), permissions=["repair"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        self.repair(request, queryset, repair.send_again, gettext("Will be sent"))

    @admin.action(description=_("Do not wait for the next try"), permissions=["repair"])
    def send_now(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        self.repair(request, queryset, repair.send_now, gettext("Due now"))

    def offers(self, row: Delivery) -> list[str]:
        if row.state == Delivery.State.FAILED:
            return ["send_again"]
        return ["send_now"] if row.state == Delivery.State.PENDING else []
