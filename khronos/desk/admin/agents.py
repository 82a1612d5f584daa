"""Agents: who answers, with which words, models and tools (docs/agents.md)."""

from types import new_class
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from khronos.agents.providers import keyed, model_of, names
from khronos.desk.admin import columns
from khronos.desk.admin.base import KhronosAdmin
from khronos.models import Agent, Channel, Tenant, ToolGrant

if TYPE_CHECKING:
    Form = forms.ModelForm[Agent]
else:
    Form = forms.ModelForm


class AgentForm(Form):
    """Models are typed one a provider, their order as words with commas."""

    is_default = forms.BooleanField(
        label=_("Default"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("Answers on every channel that names no other."),
    )
    order = forms.CharField(label=_("Order of models"), required=False, widget=UnfoldAdminTextInputWidget)

    class Meta:
        model = Agent
        exclude = ("providers", "model_by_provider")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        agent = self.instance
        is_new = agent._state.adding
        self.fields["is_default"].initial = not is_new and agent.tenant.default_agent_id == agent.pk
        self.fields["order"].initial = ", ".join(agent.providers)
        known = {"names": ", ".join(names())}
        self.fields["order"].help_text = _("Of %(names)s, with commas; empty: as usual.") % known
        for name in keyed():
            self.fields[name].initial = agent.model_by_provider.get(name, "")
            self.fields[name].widget.attrs["placeholder"] = model_of(name)

    def clean_order(self) -> list[str]:
        wanted = [name.strip().lower() for name in self.cleaned_data["order"].split(",") if name.strip()]
        if unknown := [name for name in wanted if name not in names()]:
            raise forms.ValidationError(_("Nobody is called %(name)s.") % {"name": unknown[0]})
        return list(dict.fromkeys(wanted))

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        was_default = self.fields["is_default"].initial
        if was_default and not values.get("is_default"):
            self.add_error("is_default", _("Make another agent the default instead."))
        if values.get("is_default") and not values.get("is_active"):
            self.add_error("is_active", _("The default answers for all others, and stays switched on."))
        return values

    def save(self, commit: bool = True) -> Agent:
        said = self.cleaned_data
        self.instance.providers = said["order"]
        self.instance.model_by_provider = {name: said[name].strip() for name in keyed() if said[name].strip()}
        return super().save(commit)


def model_fields() -> dict[str, forms.Field]:
    labels = {name: "OpenAI" if name == "openai" else name.capitalize() for name in keyed()}
    return {
        name: forms.CharField(label=label, required=False, widget=UnfoldAdminTextInputWidget)
        for name, label in labels.items()
    }


WithModels = new_class("WithModels", (AgentForm,), exec_body=lambda body: body.update(model_fields()))


@admin.register(Agent)
class AgentAdmin(KhronosAdmin[Agent]):
    form = WithModels
    list_display = ("name", "tenant", "slug", "standing", "where", "speaks", "models_named")
    list_filter = ("is_active", "tenant")
    list_select_related = ("tenant",)
    search_fields = ("name", "slug", "instructions")
    ordering = ("tenant", "name")
    prepopulated_fields = {"slug": ("name",)}
    readonly_fields = ("tools", "where", "created_at")
    fieldsets = (
        (None, {"fields": ("tenant", "name", "slug", "is_active", "is_default")}),
        (_("Words"), {"fields": ("instructions", "language")}),
        (_("Models"), {"fields": ("order", *keyed())}),
        (_("Reach"), {"fields": ("where", "tools", "created_at")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agent]:
        return super().get_queryset(request).prefetch_related("channels")

    def get_readonly_fields(self, request: HttpRequest, obj: Agent | None = None) -> tuple[str, ...]:
        """What belongs to it is its tenant's, too."""
        return (*self.readonly_fields, "tenant") if obj else self.readonly_fields

    @admin.display(description=_("state"))
    def standing(self, row: Agent) -> str:
        if row.tenant.default_agent_id == row.pk:
            return columns.badge(gettext("default"), "success")
        return columns.badge(gettext("active"), "info") if row.is_active else columns.badge(gettext("off"))

    @admin.display(description=_("channels"))
    def where(self, row: Agent) -> str:
        links = [(columns.link(Channel, each.pk, each.name),) for each in row.channels.all()]
        return format_html_join(", ", "{}", links) or columns.NONE

    @admin.display(description=_("language"), ordering="language")
    def speaks(self, row: Agent) -> str:
        return row.get_language_display()

    @admin.display(description=_("models"))
    def models_named(self, row: Agent) -> str:
        return ", ".join(row.model_by_provider.values()) or columns.NONE

    @admin.display(description=_("granted tools"))
    def tools(self, row: Agent) -> str:
        """Its own, and those of all agents of the tenant."""
        if row._state.adding:
            return columns.NONE
        grants = ToolGrant.objects.of(row.tenant_id, row.pk)
        links = [(columns.link(ToolGrant, each.pk, each.tool),) for each in grants]
        add = reverse("admin:khronos_toolgrant_add", query={"tenant": row.tenant_id, "agent": row.pk})
        more = format_html('<a class="kh-link" href="{}">{}</a>', add, gettext("grant another"))
        return format_html_join(", ", "{}", [*links, (more,)])

    def save_model(self, request: HttpRequest, obj: Agent, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if form.cleaned_data["is_default"]:
            Tenant.objects.filter(pk=obj.tenant_id).update(default_agent=obj)

    def has_delete_permission(self, request: HttpRequest, obj: Agent | None = None) -> bool:
        """Somebody has to answer."""
        if obj is not None and obj.tenant.default_agent_id == obj.pk:
            return False
        return super().has_delete_permission(request, obj)
