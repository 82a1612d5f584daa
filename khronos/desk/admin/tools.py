"""Tools: which are granted, the HTTP services among them, and every call that was made."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from khronos.agents.tools import toolbox
from khronos.agents.tools.http import flaws_of
from khronos.conversation import approvals
from khronos.desk.admin import columns
from khronos.desk.admin.base import KhronosAdmin, ReadOnlyAdmin
from khronos.desk.admin.channels import DOTS
from khronos.desk.admin.filters import Since
from khronos.desk.admin.mixins import Aged
from khronos.exceptions import Unauthorized
from khronos.models import Conversation, HttpTool, ToolCall, ToolGrant, Turn

if TYPE_CHECKING:
    GrantFormBase = forms.ModelForm[ToolGrant]
    HttpFormBase = forms.ModelForm[HttpTool]
else:
    GrantFormBase = HttpFormBase = forms.ModelForm


class GrantForm(GrantFormBase):
    tool = forms.ChoiceField(label=_("Tool"), widget=UnfoldAdminSelectWidget)

    class Meta:
        model = ToolGrant
        fields = ("tenant", "agent", "tool", "confirmation", "is_active", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = HttpTool.objects.order_by("tenant__name", "name").select_related("tenant")
        choices = [(name, f"{name} – {each.description[:70]}") for name, each in known().items()]
        choices += [(row.name, f"{row.name} – {row.tenant}: {row.description[:60]}") for row in own]
        field: Any = self.fields["tool"]
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        tenant, agent, name = values.get("tenant"), values.get("agent"), values.get("tool", "")
        if agent is not None and agent.tenant != tenant:
            self.add_error("agent", _("This agent is another tenant's."))
        if tenant and name not in known() and not tenant.http_tools.filter(name=name).exists():
            self.add_error("tool", _("This tenant has no such tool."))
        return values


def known() -> dict[str, Any]:
    return dict(sorted(toolbox.of_the_library().items()))


@admin.register(ToolGrant)
class ToolGrantAdmin(KhronosAdmin[ToolGrant]):
    form = GrantForm
    list_display = ("tool", "tenant", "agent", "confirmation", "is_active", "note")
    list_filter = ("is_active", "tenant", "agent")
    list_select_related = ("tenant", "agent")
    search_fields = ("tool", "note")
    ordering = ("tenant", "tool")

    def save_model(self, request: HttpRequest, obj: ToolGrant, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        toolbox.forget(obj.tenant_id)
        if change and form.initial.get("tenant") not in (None, obj.tenant_id):
            toolbox.forget(form.initial["tenant"])

    def delete_model(self, request: HttpRequest, obj: ToolGrant) -> None:
        super().delete_model(request, obj)
        toolbox.forget(obj.tenant_id)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ToolGrant]) -> None:
        tenants = set(queryset.values_list("tenant", flat=True))
        super().delete_queryset(request, queryset)
        for tenant_id in tenants:
            toolbox.forget(tenant_id)


class HttpToolForm(HttpFormBase):
    """Its headers may hold keys: they go in and never come out."""

    headers = forms.CharField(
        label=_("Headers"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("One a line, such as Authorization: Bearer …; kept encrypted. A single - removes them."),
    )

    class Meta:
        model = HttpTool
        exclude = ("sealed_headers",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.sealed_headers:
            self.fields["headers"].widget.attrs["placeholder"] = DOTS
            self.fields["headers"].help_text = _("Set. Leave it empty to keep them; a single - removes them.")

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("name") in toolbox.of_the_library():
            self.add_error("name", _("A tool of Khronos has this name."))
        for field, why in flaws_of(values):
            self.add_error(field, why)
        return values

    def save(self, commit: bool = True) -> HttpTool:
        if said := self.cleaned_data["headers"].strip():
            self.instance.headers = "" if said == "-" else said
        return super().save(commit)


@admin.register(HttpTool)
class HttpToolAdmin(KhronosAdmin[HttpTool]):
    form = HttpToolForm
    list_display = ("name", "tenant", "method", "url", "side_effects", "confirmation", "is_active", "keys")
    list_filter = ("is_active", "tenant")
    list_select_related = ("tenant",)
    search_fields = ("name", "url", "description")
    ordering = ("tenant", "name")
    readonly_fields = ("keys", "created_at")
    fieldsets = (
        (None, {"fields": ("tenant", "name", "description", "is_active")}),
        (_("Call"), {"fields": ("method", "url", "headers", "takes", "gives")}),
        (_("Care"), {"fields": ("side_effects", "confirmation", "is_personal", "is_cacheable")}),
        (_("Bounds"), {"fields": ("timeout_s", "per_minute", "keys", "created_at")}),
    )

    @admin.display(description=_("keys"))
    def keys(self, row: HttpTool) -> str:
        try:
            return DOTS if row.headers else columns.NONE
        except Unauthorized:
            return columns.badge(gettext("sealed with another SECRET_KEY"), "danger")


@admin.register(ToolCall)
class ToolCallAdmin(Aged, ReadOnlyAdmin[ToolCall]):
    list_display = ("name", "status", "talk", "since", "said", "trouble")
    list_filter = ("state", Since, "confirmation")
    list_select_related = ("turn__conversation__contact",)
    search_fields = ("tool", "turn__trace_id__exact", "error")
    ordering = ("-pk",)
    actions = ("approve", "decline")
    fieldsets = (
        (None, {"fields": ("name", "status", "talk", "of_turn", "why_not")}),
        (_("What was asked"), {"fields": ("given", "call_id", "confirmation", "expires_at")}),
        (_("Decision"), {"fields": ("decision", "decided_by", "decided_at")}),
        (_("What came of it"), {"fields": ("got", "started_at", "ended_at", "took", "was_remembered")}),
    )
    readonly_fields = ("name", "status", "talk", "of_turn", "why_not", "given", "got", "took")

    @admin.display(description=_("tool"), ordering="tool")
    def name(self, row: ToolCall) -> str:
        return columns.whole(row.tool)

    @admin.display(description=_("state"), ordering="state")
    def status(self, row: ToolCall) -> str:
        return columns.state(row.state, row.get_state_display())

    @admin.display(description=_("conversation"))
    def talk(self, row: ToolCall) -> str:
        talk = row.turn.conversation
        return columns.link(Conversation, talk.pk, talk.contact or talk)

    @admin.display(description=_("turn"), ordering="turn")
    def of_turn(self, row: ToolCall) -> str:
        return columns.link(Turn, row.turn_id, row.turn_id)

    @admin.display(description=_("duration, ms"), ordering="duration_ms")
    def took(self, row: ToolCall) -> str:
        return str(row.duration_ms)

    @admin.display(description=_("arguments"))
    def said(self, row: ToolCall) -> str:
        return columns.line(str(row.arguments), 60)

    @admin.display(description=_("error"))
    def trouble(self, row: ToolCall) -> str:
        return columns.line(row.error, 60)

    @admin.display(description=_("error"))
    def why_not(self, row: ToolCall) -> str:
        return columns.block(row.error) if row.error else columns.NONE

    @admin.display(description=_("arguments"))
    def given(self, row: ToolCall) -> str:
        return columns.pretty(row.arguments)

    @admin.display(description=_("result"))
    def got(self, row: ToolCall) -> str:
        return columns.pretty(row.result) if row.result is not None else columns.NONE

    @admin.action(description=_("Approve"), permissions=["repair"])
    def approve(self, request: HttpRequest, queryset: QuerySet[ToolCall]) -> None:
        def yes(row: ToolCall) -> bool:
            return approvals.decide(row, request.user, is_yes=True)

        self.repair(request, queryset, yes, gettext("Approved"))

    @admin.action(description=_("Decline"), permissions=["repair"])
    def decline(self, request: HttpRequest, queryset: QuerySet[ToolCall]) -> None:
        def no(row: ToolCall) -> bool:
            return approvals.decide(row, request.user, is_yes=False)

        self.repair(request, queryset, no, gettext("Declined"))

    def offers(self, row: ToolCall) -> list[str]:
        is_open = row.state == ToolCall.State.ASKED and row.confirmation == "operator" and not row.decision
        return ["approve", "decline"] if is_open else []
