"""What models cost: the page of a month, and the single calls (docs/costs.md)."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from khronos.desk.admin import columns
from khronos.desk.admin.base import ReadOnlyAdmin
from khronos.desk.admin.filters import ByProvider, Since
from khronos.desk.admin.growing import Growing
from khronos.desk.admin.tenants import tone_of
from khronos.models import Conversation, Tenant, Turn, Usage
from khronos.usage.budget import first_of_month
from khronos.usage.report import Line, Report, month_of, report

HIGH = 100.0  # of the chart's tallest bar, in its own units


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of the chart, in the chart's own units; as SVG wants numbers, in every language."""

    x: int
    y: str
    height: str
    title: str
    label: str  # of some days, that there be room


@dataclass(frozen=True, slots=True)
class Row:
    line: Line
    cost: str
    calls: str
    tokens: str
    share: str
    tone: str


class SinceAt(Since):
    field = "at"


@admin.register(Usage)
class UsageAdmin(Growing, ReadOnlyAdmin[Usage]):
    list_display = ("number", "tenant", "talk", "of_turn", "model", "kind", "into", "out", "cost", "since")
    list_select_related = ("tenant", "conversation__contact")
    list_filter = (SinceAt, "tenant", ByProvider, "kind")
    ordering = ("-pk",)
    fields = (
        "tenant",
        "talk",
        "of_turn",
        "fence",
        "round",
        "agent",
        "provider",
        "model",
        "kind",
        "status",
        "input_tokens",
        "output_tokens",
        "cached_read_tokens",
        "cached_write_tokens",
        "cost",
        "is_priced",
        "at",
    )
    readonly_fields = ("talk", "of_turn", "cost")

    def get_urls(self) -> list[URLPattern]:
        return [path("costs/", admin.site.admin_view(page), name="khronos_costs"), *super().get_urls()]

    @admin.display(description=_("call"), ordering="pk")
    def number(self, row: Usage) -> str:
        return f"{row.pk}"

    @admin.display(description=_("conversation"))
    def talk(self, row: Usage) -> str:
        talk = row.conversation
        return columns.link(Conversation, talk.pk, talk.contact or talk) if talk else columns.NONE

    @admin.display(description=_("turn"))
    def of_turn(self, row: Usage) -> str:
        return columns.link(Turn, row.turn_id, row.turn_id)

    @admin.display(description=_("tokens in"), ordering="input_tokens")
    def into(self, row: Usage) -> str:
        return counted(row.input_tokens)

    @admin.display(description=_("tokens out"), ordering="output_tokens")
    def out(self, row: Usage) -> str:
        return counted(row.output_tokens)

    @admin.display(description=_("cost"), ordering="micros")
    def cost(self, row: Usage) -> str:
        return columns.whole(columns.money(row.micros, 4))

    @admin.display(description=_("age"), ordering="pk")
    def since(self, row: Usage) -> str:
        return columns.age(row.at)


def page(request: HttpRequest) -> HttpResponse:
    """A month, of one tenant or all."""
    if not request.user.has_perm("khronos.view_usage"):
        raise PermissionDenied
    tenants = Tenant.objects.order_by("name")
    asked = request.GET.get("tenant", "")
    tenant = get_object_or_404(tenants, slug=asked) if asked else None
    this_month = first_of_month()
    month = month_of(request.GET.get("month", "")) or this_month
    found = report(month, tenant)
    following = (month + timedelta(days=32)).replace(day=1)
    context = {
        **admin.site.each_context(request),
        "title": gettext("Costs"),
        "report": found,
        "month_name": date_format(month, "YEAR_MONTH_FORMAT"),
        "total": row(found.total, found.total.micros),
        "bars": bars(found),
        "parts": parts(found),
        "tenants": tenants,
        "tenant": tenant,
        "before": f"{month - timedelta(days=1):%Y-%m}",
        "after": f"{following:%Y-%m}" if following <= this_month else "",
    }
    return TemplateResponse(request, "admin/khronos/costs.html", context)


def parts(found: Report) -> list[tuple[str, list[Row]]]:
    most = found.total.micros
    named = (
        (gettext("Tenants"), found.tenants),
        (gettext("Models"), found.models),
        (gettext("Agents"), found.agents),
        (gettext("Kinds of calls"), found.kinds),
    )
    return [(title, [row(line, most) for line in lines]) for title, lines in named if lines]


def row(line: Line, most: int) -> Row:
    share, tone = (f"{line.micros / most:.0%}" if most else ""), ""
    if line.share is not None:
        known = {"share": f"{line.share:.0%}", "budget": columns.money(line.limit)}
        share = gettext("%(share)s of %(budget)s") % known
        tone = tone_of(line.share)
    tokens = gettext("%(into)s tokens in, %(out)s out") % {
        "into": counted(line.input_tokens),
        "out": counted(line.output_tokens),
    }
    return Row(line, columns.money(line.micros), counted(line.calls), tokens, share, tone)


def bars(found: Report) -> list[Bar]:
    most = max((line.micros for line in found.days), default=0)
    return [bar(number, line, most) for number, line in enumerate(found.days)]


def bar(number: int, line: Line, most: int) -> Bar:
    height = HIGH * line.micros / most if most else 0.0
    title = f"{line.name}: {columns.money(line.micros)}, {counted(line.calls)} {gettext('calls')}"
    label = str(number + 1) if number % 7 == 0 else ""
    return Bar(number, f"{HIGH - height:.2f}", f"{height:.2f}", title, label)


def counted(number: int) -> str:
    return number_format(number, force_grouping=True)
