"""Events: what happened, append-only."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from khronos.desk.admin import columns
from khronos.desk.admin.base import ReadOnlyAdmin
from khronos.desk.admin.filters import ByType, SinceTimestamp
from khronos.desk.admin.growing import Growing
from khronos.desk.admin.mixins import Explained, Traced
from khronos.models import Contact, Conversation, Event, Tenant


class Published(admin.EmptyFieldListFilter):
    """Whether the relay has told the bus."""


@admin.register(Event)
class EventAdmin(Growing, Traced, Explained, ReadOnlyAdmin[Event]):
    list_display = ("kind", "since", "talk", "path", "told", "explained", "payload_line")
    list_filter = (ByType, SinceTimestamp, ("published_at", Published))
    search_fields = ("trace_id__exact", "correlation_id__exact", "idempotency_key__exact")
    search_help_text = ""  # nothing but whole ids, which have indexes
    id_fields = {
        36: ("conversation_id", "event_id", "customer_id", "correlation_id"),
        32: ("trace_id", "correlation_id"),
    }
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("kind", "timestamp", "published_at", "tenant", "talk", "contact")}),
        (
            _("Trace"),
            {"fields": ("whole_path", "correlation_id", "explained", "event_id", "idempotency_key")},
        ),
        (_("Payload"), {"fields": ("content",)}),
    )
    readonly_fields = ("kind", "tenant", "talk", "contact", "whole_path", "explained", "content")

    @admin.display(description=_("type"), ordering="type")
    def kind(self, row: Event) -> str:
        return row.type

    @admin.display(description=_("age"), ordering="pk")
    def since(self, row: Event) -> str:
        return columns.age(row.timestamp)

    @admin.display(description=_("tenant"))
    def tenant(self, row: Event) -> str:
        return columns.link(Tenant, row.tenant_id, row.tenant_id)

    @admin.display(description=_("conversation"))
    def talk(self, row: Event) -> str:
        return columns.link(Conversation, row.conversation_id, str(row.conversation_id)[:8])

    @admin.display(description=_("contact"))
    def contact(self, row: Event) -> str:
        return columns.link(Contact, row.customer_id, str(row.customer_id)[:8])

    @admin.display(description=_("published"), ordering="published_at")
    def told(self, row: Event) -> str:
        return columns.age(row.published_at)

    @admin.display(description=_("payload"))
    def payload_line(self, row: Event) -> str:
        return columns.excerpt(", ".join(f"{name}: {value}" for name, value in row.payload.items()))

    @admin.display(description=_("payload"))
    def content(self, row: Event) -> str:
        return columns.pretty(row.payload)
