"""What a month has cost: by day, tenant, agent, model, kind. The sums by day answer it at once."""

import calendar
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from khronos.models import Tenant, Usage, UsageDay
from khronos.usage.budget import first_of_month, limit_of
from khronos.usage.prices import in_currency, price_of

MONTH = re.compile(r"\d{4}-\d{2}")


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    calls: int
    input_tokens: int
    output_tokens: int
    micros: int
    limit: int = 0  # a tenant's budget, in millionths
    is_priced: bool = True

    @property
    def share(self) -> float | None:
        return self.micros / self.limit if self.limit else None


@dataclass(frozen=True, slots=True)
class Report:
    month: date  # its first day
    total: Line
    days: list[Line]  # all of the month
    tenants: list[Line]
    agents: list[Line]
    models: list[Line]
    kinds: list[Line]

    def as_json(self) -> dict[str, Any]:
        parts = ("days", "tenants", "agents", "models", "kinds")
        lines = {name: [facts(line) for line in getattr(self, name)] for name in parts}
        return {"month": f"{self.month:%Y-%m}", "total": facts(self.total), **lines}


def report(month: date, tenant: Tenant | None = None) -> Report:
    last = month.replace(day=calendar.monthrange(month.year, month.month)[1])
    rows = UsageDay.objects.filter(day__gte=month, day__lte=last)
    rows = rows.filter(tenant=tenant) if tenant else rows
    found: list[Any] = list(rows.totals("day", "tenant_id", "agent", "model", "kind"))
    by_day = {line.name: line for line in summed(found, "day")}
    days = [str(month.replace(day=day)) for day in range(1, last.day + 1)]
    kinds = dict(Usage.Kind.choices)
    return Report(
        month,
        total(found),
        [by_day.get(day) or Line(day, 0, 0, 0, 0) for day in days],
        of_tenants(found, tenant),
        dearest(summed(found, "agent")),
        [priced(line) for line in dearest(summed(found, "model"))],
        [named(line, str(kinds.get(line.name, line.name))) for line in dearest(summed(found, "kind"))],
    )


def month_of(text: str) -> date | None:
    """2026-11, or the present one."""
    if not text:
        return first_of_month()
    try:
        return date.fromisoformat(f"{text}-01") if MONTH.fullmatch(text) else None
    except ValueError:
        return None


def summed(rows: list[Any], by: str) -> list[Line]:
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(str(row[by]), []).append(row)
    return [named(total(group), name) for name, group in groups.items()]


def total(rows: list[Any]) -> Line:
    sums = (sum(row[name] for row in rows) for name in ("calls", "input_tokens", "output_tokens", "micros"))
    return Line("", *sums)


def of_tenants(rows: list[Any], only: Tenant | None) -> list[Line]:
    """Whoever has spent something, or has a budget; with its share of it."""
    tenants = {str(tenant.pk): tenant for tenant in ([only] if only else Tenant.objects.all())}
    spent = {line.name: line for line in summed(rows, "tenant_id")}
    nothing = {pk: Line(pk, 0, 0, 0, 0) for pk, tenant in tenants.items() if limit_of(tenant)}
    return dearest([of_tenant(line, tenants.get(pk)) for pk, line in (nothing | spent).items()])


def of_tenant(line: Line, tenant: Tenant | None) -> Line:
    if tenant is None:
        return line  # it is gone, and its number is left
    return Line(tenant.slug, line.calls, line.input_tokens, line.output_tokens, line.micros, limit_of(tenant))


def priced(line: Line) -> Line:
    known = price_of(line.name) is not None
    return Line(line.name, line.calls, line.input_tokens, line.output_tokens, line.micros, is_priced=known)


def named(line: Line, name: str) -> Line:
    return Line(name, line.calls, line.input_tokens, line.output_tokens, line.micros)


def dearest(lines: list[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (-line.micros, -line.calls, line.name))


def facts(line: Line) -> dict[str, Any]:
    return {
        "name": line.name,
        "calls": line.calls,
        "input_tokens": line.input_tokens,
        "output_tokens": line.output_tokens,
        "cost": float(in_currency(line.micros)),
        "budget": float(in_currency(line.limit)) if line.limit else None,
        "is_priced": line.is_priced,
    }
