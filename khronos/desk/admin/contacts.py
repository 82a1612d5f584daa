"""Contacts."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from khronos.desk.admin.base import KhronosAdmin
from khronos.desk.admin.columns import age, badge, link, list_of
from khronos.models import Contact, ContactFact, Conversation, Message

if TYPE_CHECKING:
    Facts = admin.TabularInline[ContactFact, Contact]
else:
    from unfold.admin import TabularInline as Facts


class FactsInline(Facts):
    """What is remembered of a contact: seen, and erased where they ask for it. Nobody writes it but they."""

    model = ContactFact
    extra = 0
    can_delete = True
    fields = readonly_fields = ("text", "said_in", "created_at")
    ordering = ("pk",)

    @admin.display(description=_("message"))
    def said_in(self, row: ContactFact) -> str:
        return link(Message, row.message_id, row.message_id)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Contact)
class ContactAdmin(KhronosAdmin[Contact]):
    list_display = ("shown", "username", "external_id", "channel", "language", "reachable", "since", "talks")
    list_filter = ("is_blocked", "channel", "tenant")
    list_select_related = ("channel", "tenant")
    search_fields = ("name", "username", "external_id__exact")
    ordering = ("-created_at",)
    id_fields = {36: ("pk",)}
    inlines = (FactsInline,)
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
