"""Tenants."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from khronos.desk.admin.base import KhronosAdmin
from khronos.desk.admin.columns import age
from khronos.models import Tenant


@admin.register(Tenant)
class TenantAdmin(KhronosAdmin[Tenant]):
    list_display = ("name", "slug", "since")
    search_fields = ("name", "slug")
    ordering = ("name",)
    fields = ("name", "slug", "instructions", "providers")
    prepopulated_fields = {"slug": ("name",)}

    @admin.display(description=_("age"), ordering="created_at")
    def since(self, row: Tenant) -> str:
        return age(row.created_at)

    def has_delete_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        """All that was ever said would go with it."""
        return False
