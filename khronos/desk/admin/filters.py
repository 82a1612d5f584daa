"""Filters of lists that stay quick on tables of millions of rows."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from khronos.agents.providers import PROVIDERS
from khronos.channels.base import Content
from khronos.desk.newest import newer_than
from khronos.models import Event


class Since(admin.SimpleListFilter):
    """The newest rows. Their times have no index, their numbers have: the first number is searched for."""

    title = _("when")
    parameter_name = "since"
    field = "created_at"
    hours = {"1h": 1, "24h": 24, "7d": 7 * 24, "30d": 30 * 24}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("1h", _("last hour")),
            ("24h", _("last 24 hours")),
            ("7d", _("last 7 days")),
            ("30d", _("last 30 days")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        hours = self.hours.get(self.value() or "")
        return newer_than(queryset, self.field, timedelta(hours=hours)) if hours else queryset


class SinceTimestamp(Since):
    field = "timestamp"


class SinceReceived(Since):
    field = "received_at"


class SinceUpdated(Since):
    """Indexed, and its rows have no numbers."""

    field = "updated_at"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        hours = self.hours.get(self.value() or "")
        return queryset.filter(updated_at__gte=timezone.now() - timedelta(hours=hours)) if hours else queryset


class Known(admin.SimpleListFilter):
    """A column whose values are known: the usual filter reads the whole table to find them."""

    values: Sequence[str] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(value, value) for value in self.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class ByProvider(Known):
    title = _("provider")
    parameter_name = "provider"
    values = tuple(PROVIDERS)


class ByContent(Known):
    title = _("content")
    parameter_name = "content"
    values = tuple(Content)


class ByType(Known):
    """By the names that the bus knows."""

    title = _("type")
    parameter_name = "type"
    values = tuple(Event.Type.values)


class Settled(admin.SimpleListFilter):
    """Alerts that are over, dead letters that were replayed: a time that is set or not."""

    title = _("state")
    parameter_name = "open"
    field = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("open")), ("0", _("done"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("0", "1"):
            return queryset
        return queryset.filter(**{f"{self.field}__isnull": self.value() == "1"})


class Resolved(Settled):
    field = "resolved_at"


class Replayed(Settled):
    field = "replayed_at"


class Unsettled(admin.SimpleListFilter):
    """Work that is still to be done; the index of due rows serves it."""

    title = _("work")
    parameter_name = "undone"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("still to be done"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(due_at__isnull=False) if self.value() else queryset
