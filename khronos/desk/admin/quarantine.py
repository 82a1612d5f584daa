"""The quarantine: updates that nobody could understand yet."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from khronos.conversation import repair
from khronos.desk.admin.filters import SinceReceived
from khronos.desk.admin.updates import ArrivalAdmin
from khronos.models import Quarantined, Update


@admin.register(Quarantined)
class QuarantineAdmin(ArrivalAdmin):
    list_display = ("key", "reason", "channel", "since", "talk", "path", "explained")
    list_filter = (SinceReceived, "channel")
    ordering = ("-received_at",)  # as the index of quarantined rows has them
    actions = ("read_again",)

    @admin.action(description=_("Try again"), permissions=["repair"])
    def read_again(self, request: HttpRequest, queryset: QuerySet[Update]) -> None:
        self.repair(request, queryset, repair.read_again, gettext("Back to the dispatcher"))

    def offers(self, row: Update) -> list[str]:
        return ["read_again"]
