"""Alerts."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from khronos.alerts import end_alert
from khronos.desk.admin import columns
from khronos.desk.admin.base import ReadOnlyAdmin
from khronos.desk.admin.filters import Resolved
from khronos.models import Alert


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin[Alert]):
    list_display = ("name", "grade", "beginning", "count", "since", "again", "over")
    list_filter = (Resolved, "level")
    search_fields = ("name", "text")
    ordering = ("-repeated_at",)
    actions = ("resolve",)
    fields = ("name", "grade", "whole_text", "count", "raised_at", "repeated_at", "resolved_at")
    readonly_fields = ("grade", "whole_text")

    @admin.display(description=_("level"), ordering="level")
    def grade(self, row: Alert) -> str:
        return columns.state(row.level, row.get_level_display())

    @admin.display(description=_("text"))
    def beginning(self, row: Alert) -> str:
        return columns.line(row.text)

    @admin.display(description=_("text"))
    def whole_text(self, row: Alert) -> str:
        return columns.block(row.text)

    @admin.display(description=_("age"), ordering="raised_at")
    def since(self, row: Alert) -> str:
        return columns.age(row.raised_at)

    @admin.display(description=_("last time"), ordering="repeated_at")
    def again(self, row: Alert) -> str:
        return columns.age(row.repeated_at)

    @admin.display(description=_("resolved"), ordering="resolved_at")
    def over(self, row: Alert) -> str:
        return columns.age(row.resolved_at) if row.resolved_at else columns.badge(gettext("open"), "warning")

    @admin.action(description=_("It is over"), permissions=["repair"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        def end(row: Alert) -> bool:
            return end_alert(row.name)

        self.repair(request, queryset, end, gettext("Resolved"))

    def offers(self, row: Alert) -> list[str]:
        return [] if row.resolved_at else ["resolve"]
