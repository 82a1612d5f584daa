"""Health checks: how each part was when it was last looked at."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from khronos.bus import doorbell
from khronos.desk.admin import columns
from khronos.desk.admin.base import ReadOnlyAdmin
from khronos.desk.lengths import words
from khronos.models import HealthCheck


@admin.register(HealthCheck)
class HealthCheckAdmin(ReadOnlyAdmin[HealthCheck]):
    list_display = ("name", "condition", "beginning", "looked", "since", "looks", "took")
    list_filter = ("ok",)
    search_fields = ("name", "detail")
    ordering = ("ok", "name")
    actions = ("look_now",)
    fields = (
        "name",
        "condition",
        "whole_detail",
        "looks",
        "took",
        "every",
        "changed_at",
        "checked_at",
        "due_at",
    )
    readonly_fields = ("condition", "whole_detail", "took", "every")

    @admin.display(description=_("state"), ordering="ok")
    def condition(self, row: HealthCheck) -> str:
        return columns.state(row.state, row.state.label)

    @admin.display(description=_("detail"))
    def beginning(self, row: HealthCheck) -> str:
        return columns.line(row.local)

    @admin.display(description=_("detail"))
    def whole_detail(self, row: HealthCheck) -> str:
        return columns.block(row.local)

    @admin.display(description=_("last look"), ordering="checked_at")
    def looked(self, row: HealthCheck) -> str:
        return columns.age(row.checked_at)

    @admin.display(description=_("like this since"), ordering="changed_at")
    def since(self, row: HealthCheck) -> str:
        return columns.age(row.changed_at)

    @admin.display(description=_("took"), ordering="took_ms")
    def took(self, row: HealthCheck) -> str:
        return f"{row.took_ms:.0f} ms"

    @admin.display(description=_("looked at every"))
    def every(self, row: HealthCheck) -> str:
        return words(row.every_s)

    @admin.action(description=_("Look now"), permissions=["repair"])
    def look_now(self, request: HttpRequest, queryset: QuerySet[HealthCheck]) -> None:
        def again(row: HealthCheck) -> bool:
            return bool(HealthCheck.objects.filter(pk=row.pk).again())

        self.repair(request, queryset, again, gettext("To be looked at now"))
        doorbell.call("tasks.ops.look_around", "ops")

    def offers(self, row: HealthCheck) -> list[str]:
        return ["look_now"]
