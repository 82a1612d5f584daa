"""Channels. Their secrets go in and never come out."""

import secrets
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from khronos.channels import kind_of, kinds
from khronos.conversation import sweep
from khronos.delivery.policy import wrong_token
from khronos.desk.admin.base import KhronosAdmin
from khronos.desk.admin.columns import badge
from khronos.desk.admin.pauses import Pausable, offer, sign
from khronos.intake import channels as intake
from khronos.models import Channel

if TYPE_CHECKING:
    Form = forms.ModelForm[Channel]
else:
    Form = forms.ModelForm

SECRETS = ("token", "secret", "previous_secret")
DOTS = "••••••••"


def mask(value: str) -> str:
    """A bot's number is public and says which token it is; the rest is not shown."""
    if not value:
        return ""
    number, colon, _rest = value.partition(":")
    return f"{number}:{DOTS}" if colon and number.isdigit() else DOTS


class ChannelForm(Form):
    """A secret that is left empty stays as it is."""

    class Meta:
        model = Channel
        fields = "__all__"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in SECRETS:
            if name in self.fields:
                self.hide(name)

    def hide(self, name: str) -> None:
        field, kept = self.fields[name], mask(getattr(self.instance, name))
        look = {"class": field.widget.attrs.get("class", ""), "autocomplete": "new-password"}
        field.widget = forms.PasswordInput(attrs=look | {"placeholder": kept})
        if kept:
            field.help_text = format_lazy("{} {}", _("Set. Leave it empty to keep it."), field.help_text)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if self.is_rotation(values):
            values["previous_secret"] = self.instance.secret  # until Telegram, or the site, knows the new one
        for name in SECRETS:
            if name in values:
                values[name] = values[name] or getattr(self.instance, name)
        if "secret" in values and not values["secret"]:
            self.need_secret(values)
        self.ask_for_options(values)
        for name, complaint in (
            ("agent", _("This agent is another tenant's.")),
            ("queue", _("This queue is another tenant's.")),
        ):
            chosen = values.get(name)
            if chosen is not None and chosen.tenant != values.get("tenant"):
                self.add_error(name, complaint)
        return values

    def ask_for_options(self, values: dict[str, Any]) -> None:
        wanted: dict[str, str] = getattr(kind_of(values["kind"]), "options", {}) if "kind" in values else {}
        given = values["options"] = values.get("options") or {}
        if not isinstance(given, dict):
            self.add_error("options", _('An object, such as {"name": "value"}.'))
        elif lacking := [f"{name} ({why})" for name, why in wanted.items() if name not in given]:
            self.add_error("options", _("This kind asks for %(names)s.") % {"names": ", ".join(lacking)})

    def is_rotation(self, values: dict[str, Any]) -> bool:
        """A new secret in the place of an old one, and no word about which one is the previous."""
        old, new = self.instance.secret, values.get("secret")
        return bool(old and new and new != old and not values.get("previous_secret"))

    def need_secret(self, values: dict[str, Any]) -> None:
        """An empty one would admit nobody. Telegram is told a new one; a site's owner must know it too."""
        if values.get("kind") == "telegram":
            values["secret"] = secrets.token_urlsafe(32)
        else:
            self.add_error("secret", _("A channel of this kind needs a secret that its sender knows."))


@admin.register(Channel)
class ChannelAdmin(Pausable, KhronosAdmin[Channel]):
    form = ChannelForm
    list_display = ("name", "kind", "slug", "tenant", "routing", "queue", "agent", "works", "masked")
    list_filter = ("is_active", "kind", "tenant")
    list_select_related = ("tenant__pause", "queue", "agent", "pause")
    search_fields = ("name", "slug", "username")
    ordering = ("name",)
    readonly_fields = ("polling_offset", "created_at")
    prepopulated_fields = {"slug": ("name",)}
    actions = ("pause", "resume", "forget_previous_secret")
    fieldsets = (
        (None, {"fields": ("tenant", "name", "slug", "kind", "is_active")}),
        (_("Secrets"), {"fields": ("token", "secret", "previous_secret")}),
        (
            _("Answers"),
            {"fields": ("routing", "queue", "agent", "delivery_mode", "username", "callback_url", "options")},
        ),
        (_("Kept by Khronos"), {"fields": ("polling_offset", "created_at")}),
    )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "kind":
            choices = [(kind, kind) for kind in kinds()]
            return forms.ChoiceField(
                choices=choices, label=capfirst(db_field.verbose_name), widget=UnfoldAdminSelectWidget
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description=_("active"), ordering="is_active")
    def works(self, row: Channel) -> str:
        label = badge(_("active"), "success") if row.is_active else badge(_("switched off"))
        return format_html("{} {}", label, sign(row, row.tenant))

    @admin.display(description=_("token"))
    def masked(self, row: Channel) -> str:
        return mask(row.token)

    @admin.action(description=_("Forget the previous secret"), permissions=["repair"])
    def forget_previous_secret(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        def forget(row: Channel) -> bool:
            kept = Channel.objects.filter(pk=row.pk).exclude(previous_secret="")
            return bool(kept.update(previous_secret=""))

        self.repair(request, queryset, forget, str(_("Previous secret forgotten")))
        transaction.on_commit(intake.forget)

    def save_model(self, request: HttpRequest, obj: Channel, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if obj.token != form.initial.get("token"):
            sweep.hurry(wrong_token(obj))
        transaction.on_commit(intake.forget)

    def offers(self, row: Channel) -> list[str]:
        return [offer(row), *(["forget_previous_secret"] if row.previous_secret else [])]

    def has_delete_permission(self, request: HttpRequest, obj: Channel | None = None) -> bool:
        """All that was ever said on it would go with it; it can be switched off."""
        return False
