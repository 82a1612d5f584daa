"""Dead letters: work that was given up, to be read and replayed."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from khronos.conversation import repair
from khronos.desk.admin import columns
from khronos.desk.admin.base import AT_ONCE, ReadOnlyAdmin
from khronos.desk.admin.filters import Replayed, Since
from khronos.desk.admin.mixins import Aged, Traced
from khronos.models import DeadLetter, Delivery, Document, Turn

ROWS = {
    DeadLetter.Source.TURN: Turn,
    DeadLetter.Source.DELIVERY: Delivery,
    DeadLetter.Source.DOCUMENT: Document,
}
EXPLAINED = (DeadLetter.Source.TURN, DeadLetter.Source.DELIVERY)


@admin.register(DeadLetter)
class DeadLetterAdmin(Aged, Traced, ReadOnlyAdmin[DeadLetter]):
    list_display = (
        "name",
        "origin",
        "row",
        "since",
        "attempts",
        "beginning",
        "replayed",
        "path",
        "explained",
    )
    list_filter = (Replayed, "source", Since, "name")
    search_fields = ("name", "key__exact", "trace_id__exact", "reason")
    id_fields = {32: ("trace_id",)}
    ordering = ("-pk",)
    actions = ("replay",)
    fieldsets = (
        (None, {"fields": ("name", "origin", "row", "key", "attempts", "created_at", "replayed_at")}),
        (_("Reason"), {"fields": ("whole_reason",)}),
        (_("Payload"), {"fields": ("content",)}),
        (_("Trace"), {"fields": ("whole_path", "explained")}),
    )
    readonly_fields = ("origin", "row", "whole_reason", "content", "whole_path", "explained")

    @admin.display(description=_("source"), ordering="source")
    def origin(self, row: DeadLetter) -> str:
        return columns.badge(row.get_source_display())

    @admin.display(description=_("row"))
    def row(self, row: DeadLetter) -> str:
        model = ROWS.get(DeadLetter.Source(row.source))
        return columns.link(model, row.key, row.key) if model else columns.excerpt(row.key, 20)

    @admin.display(description=_("why?"))
    def explained(self, row: DeadLetter) -> str:
        """Of a task or a document nothing is known but this."""
        if row.source in EXPLAINED:
            return columns.why(f"{row.source}:{row.key}")
        return columns.why(row.trace_id) if row.trace_id else columns.NONE

    @admin.display(description=_("reason"))
    def beginning(self, row: DeadLetter) -> str:
        return columns.line(row.reason)

    @admin.display(description=_("reason"))
    def whole_reason(self, row: DeadLetter) -> str:
        return columns.block(row.reason)

    @admin.display(description=_("payload"))
    def content(self, row: DeadLetter) -> str:
        return columns.pretty(row.payload)

    @admin.display(description=_("replayed"), ordering="replayed_at")
    def replayed(self, row: DeadLetter) -> str:
        return columns.age(row.replayed_at) if row.replayed_at else columns.badge(gettext("open"), "warning")

    @admin.action(description=_("Replay"), permissions=["repair"])
    def replay(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        """Each tells what became of it."""
        for letter in queryset[:AT_ONCE]:
            try:
                result = repair.replay(letter)
            except repair.Unrepairable as error:
                self.message_user(request, f"{letter}: {error}", messages.ERROR)
            else:
                self.log_change(request, letter, result)
                self.message_user(request, f"{letter}: {result}", messages.SUCCESS)

    def offers(self, row: DeadLetter) -> list[str]:
        return [] if row.replayed_at else ["replay"]
