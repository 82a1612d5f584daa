"""Updates: what arrived, byte for byte."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from khronos.desk.admin import columns, raw
from khronos.desk.admin.base import ReadOnlyAdmin
from khronos.desk.admin.filters import SinceReceived
from khronos.desk.admin.mixins import Explained, Traced
from khronos.models import Conversation, Update


class ArrivalAdmin(Traced, Explained, ReadOnlyAdmin[Update]):
    """What the pages of updates and of the quarantine share."""

    list_select_related = ("channel",)
    search_fields = ("key__exact", "trace_id__exact", "correlation_id__exact", "reason")
    id_fields = {36: ("conversation_id", "correlation_id"), 32: ("trace_id", "correlation_id")}
    ordering = ("-pk",)
    fields = (
        "channel",
        "key",
        "status",
        "reason",
        "received_at",
        "talk",
        "whole_path",
        "correlation_id",
        "explained",
        "content",
    )
    readonly_fields = ("status", "talk", "whole_path", "explained", "content")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Update]:
        """A list does not carry a megabyte a row."""
        rows = super().get_queryset(request)
        match = request.resolver_match
        return rows.defer("raw") if match and str(match.url_name).endswith("_changelist") else rows

    @admin.display(description=_("state"), ordering="state")
    def status(self, row: Update) -> str:
        return columns.state(row.state, row.get_state_display())

    @admin.display(description=_("age"), ordering="pk")
    def since(self, row: Update) -> str:
        return columns.age(row.received_at)

    @admin.display(description=_("conversation"))
    def talk(self, row: Update) -> str:
        return columns.link(Conversation, row.conversation_id, str(row.conversation_id)[:8])

    @admin.display(description=_("bytes"))
    def content(self, row: Update) -> str:
        return raw.show(bytes(row.raw))


@admin.register(Update)
class UpdateAdmin(ArrivalAdmin):
    list_display = ("key", "channel", "status", "since", "talk", "path", "explained", "reason")
    list_filter = ("state", SinceReceived, "channel")
