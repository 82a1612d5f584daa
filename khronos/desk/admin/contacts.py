"""Contacts."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from khronos.desk.admin.base import KhronosAdmin
from khronos.desk.admin.columns import age, badge, list_of
from khronos.models import Contact, Conversation


@admin.register(Contact)
class ContactAdmin(KhronosAdmin[Contact]):
    list_display = ("shown", "username", "external_id", "channel", "language", "reachable", "since", "talks")
    list_filter = ("is_blocked", "channel", "tenant")
    list_select_related = ("channel", "tenant")
    search_fields = ("name", "username", "external_id__exact")
    ordering = ("-created_at",)
    id_fields = {36: ("pk",)}
    readonly_fields = ("tenant", "channel", "external_id", "created_at", "talks")
    fields = ("name", "username", "language", "is_blocked", *readonly_fields)

    @admin.display(description=_("contact"), ordering="name")
    def shown(self, row: Contact) -> str:
        return str(row)

    @admin.display(description=_("reachable"), ordering="is_blocked")
    def reachable(self, row: Contact) -> str:
        return (
            badge(gettext("has blocked us"), "danger") if row.is_blocked else badge(gettext("yes"), "success")
        )

    @admin.display(description=_("age"), ordering="created_at")
    def since(self, row: Contact) -> str:
        return age(row.created_at)

    @admin.display(description=_("conversations"))
    def talks(self, row: Contact) -> str:
        url = list_of(Conversation, f"?contact__id__exact={row.pk}")
        return format_html('<a class="kh-link" href="{}">{}</a>', url, gettext("show"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return False
