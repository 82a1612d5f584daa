"""Alerts."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from khronos.alerts import TELL_TASK, clock, end_alert
from khronos.alerts.kinds import kind_of
from khronos.bus import doorbell
from khronos.desk.admin import columns
from khronos.desk.admin.base import ReadOnlyAdmin
from khronos.desk.admin.filters import Resolved
from khronos.herald.standing import standing
from khronos.models import Alert


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin[Alert]):
    list_display = ("title", "name", "grade", "count", "since", "over", "told_or_not", "beginning")
    list_filter = (Resolved, "level", "waits")
    search_fields = ("name", "text")
    ordering = ("-repeated_at",)
    actions = ("mute_1h", "mute_8h", "mute_until_over", "unmute", "tell_again", "resolve")
    fieldsets = (
        (None, {"fields": ("title", "name", "grade", "whole_text", "help_page")}),
        (_("Life"), {"fields": ("count", "flaps", "raised_at", "repeated_at", "resolved_at")}),
        (_("Told"), {"fields": ("told_or_not", "tell_at")}),
        (_("Muted"), {"fields": ("muted_until", "muted_until_over", "muted_by")}),
    )
    readonly_fields = ("title", "grade", "whole_text", "help_page", "told_or_not")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        """A row without a life is one that is being made."""
        return super().get_queryset(request).filter(count__gt=0)

    @admin.display(description=_("what"))
    def title(self, row: Alert) -> str:
        return str(kind_of(row.name).title)

    @admin.display(description=_("what to do"))
    def help_page(self, row: Alert) -> str:
        return f"docs/runbooks/{kind_of(row.name).runbook}.md"

    @admin.display(description=_("told"), ordering="told_at")
    def told_or_not(self, row: Alert) -> str:
        return columns.line(standing(row), 200)

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

    @admin.display(description=_("resolved"), ordering="resolved_at")
    def over(self, row: Alert) -> str:
        return columns.age(row.resolved_at) if row.resolved_at else columns.badge(gettext("open"), "warning")

    @admin.action(description=_("It is over"), permissions=["repair"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        def end(row: Alert) -> bool:
            return end_alert(row.name)

        self.repair(request, queryset, end, gettext("Resolved"))

    @admin.action(description=_("Mute for 1 h"), permissions=["repair"])
    def mute_1h(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        self.mute(request, queryset, 1)

    @admin.action(description=_("Mute for 8 h"), permissions=["repair"])
    def mute_8h(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        self.mute(request, queryset, 8)

    @admin.action(description=_("Mute until it is over"), permissions=["repair"])
    def mute_until_over(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        self.mute(request, queryset, None)

    def mute(self, request: HttpRequest, queryset: QuerySet[Alert], hours: float | None) -> None:
        by = request.user.get_username()

        def hush(row: Alert) -> bool:
            return Alert.objects.mute(row.pk, hours, by, clock.moment())

        self.repair(request, queryset, hush, gettext("Muted"))

    @admin.action(description=_("Unmute"), permissions=["repair"])
    def unmute(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        def lift(row: Alert) -> bool:
            return Alert.objects.unmute(row.pk, clock.moment())

        self.repair(request, queryset, lift, gettext("Unmuted"))

    @admin.action(description=_("Tell again"), permissions=["repair"])
    def tell_again(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        def tell(row: Alert) -> bool:
            return Alert.objects.tell_again(row.pk, clock.moment())

        self.repair(request, queryset, tell, gettext("To be told again"))
        doorbell.call(TELL_TASK, "ops")

    def offers(self, row: Alert) -> list[str]:
        if row.resolved_at:
            return ["tell_again"]
        muting = ["unmute"] if row.is_muted(timezone.now()) else ["mute_1h", "mute_8h", "mute_until_over"]
        return [*muting, "tell_again", "resolve"]
