"""Leases: who does what only one may do."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from khronos.desk.admin import columns
from khronos.desk.admin.base import ReadOnlyAdmin
from khronos.models import Lease


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin[Lease]):
    list_display = ("name", "holder", "status", "expiry")
    search_fields = ("name", "holder")
    ordering = ("name",)
    actions = ("set_free",)
    fields = ("name", "holder", "status", "expires_at")
    readonly_fields = ("status",)

    @admin.display(description=_("state"), ordering="expires_at")
    def status(self, row: Lease) -> str:
        held = row.expires_at > timezone.now()
        return columns.badge(gettext("held"), "success") if held else columns.badge(gettext("free"))

    @admin.display(description=_("expires"), ordering="expires_at")
    def expiry(self, row: Lease) -> str:
        return columns.due(row.expires_at)

    @admin.action(description=_("Set free"), permissions=["repair"])
    def set_free(self, request: HttpRequest, queryset: QuerySet[Lease]) -> None:
        """For a holder that is dead: one that lives takes it back within seconds."""

        def free(row: Lease) -> bool:
            Lease.objects.let_go(row.name, row.holder)
            return True

        self.repair(request, queryset, free, gettext("Set free"))

    def offers(self, row: Lease) -> list[str]:
        return ["set_free"] if row.expires_at > timezone.now() else []
