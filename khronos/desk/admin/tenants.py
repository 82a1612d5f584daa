"""Tenants."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from khronos.agents import blueprint
from khronos.conversation import budgets
from khronos.desk.admin import columns
from khronos.desk.admin.base import KhronosAdmin
from khronos.desk.admin.columns import NONE, age
from khronos.desk.admin.pauses import Pausable, offer, sign
from khronos.models import Agent, Tenant
from khronos.usage import budget


@admin.register(Tenant)
class TenantAdmin(Pausable, KhronosAdmin[Tenant]):
    list_display = ("name", "slug", "answers", "since", "spent_of_budget", "standing")
    list_select_related = ("pause", "default_agent")
    search_fields = ("name", "slug")
    ordering = ("name",)
    fields = ("name", "slug", "answers", "names_sources", "reuses_answers", "monthly_budget")
    readonly_fields = ("answers",)
    prepopulated_fields = {"slug": ("name",)}
    actions = ("pause", "resume")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        return budget.with_spent(super().get_queryset(request))

    @admin.display(description=_("default agent"))
    def answers(self, row: Tenant) -> str:
        agent = row.default_agent
        return columns.link(Agent, agent.pk, agent.name) if agent else NONE

    @admin.display(description=_("age"), ordering="created_at")
    def since(self, row: Tenant) -> str:
        return age(row.created_at)

    @admin.display(description=_("spent this month"))
    def spent_of_budget(self, row: Any) -> str:
        limit, spent = budget.limit_of(row), row.spent
        if not limit:
            return columns.money(spent)
        return columns.badge(f"{columns.money(spent)} / {columns.money(limit)}", tone_of(spent / limit))

    @admin.display(description=_("state"))
    def standing(self, row: Tenant) -> str:
        return sign(row) or NONE

    def save_model(self, request: HttpRequest, obj: Tenant, *args: Any) -> None:
        """Who waits for a higher budget goes on."""
        super().save_model(request, obj, *args)
        blueprint.put_in(obj)
        budgets.look_at(obj)

    def offers(self, row: Tenant) -> list[str]:
        return [offer(row)]

    def has_delete_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        """All that was ever said would go with it."""
        return False


def tone_of(share: float) -> str:
    return "danger" if share >= 1 else "warning" if share >= settings.BUDGET_NEARLY else ""
