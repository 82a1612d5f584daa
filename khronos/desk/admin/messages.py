"""Messages, searchable; the page of a conversation is where they are read."""

from django.contrib import admin
from django.urls import URLPattern
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from khronos.desk.admin import columns, explanation, sources
from khronos.desk.admin.base import ReadOnlyAdmin
from khronos.desk.admin.filters import ByContent, Since
from khronos.desk.admin.growing import Growing
from khronos.desk.admin.mixins import Aged, Explained, OfConversation
from khronos.models import Attachment, Message, Turn, Update


@admin.register(Message)
class MessageAdmin(Growing, Aged, OfConversation, Explained, ReadOnlyAdmin[Message]):
    list_display = ("number", "talk", "author", "beginning", "content", "since", "worked_in", "explained")
    list_filter = ("author", Since, ByContent)
    list_select_related = ("conversation__contact",)
    search_fields = ("text", "conversation__chat_id__exact", "conversation__contact__name")
    id_fields = {36: ("conversation",)}
    ordering = ("-pk",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    *("talk", "author", "operator", "sender_name"),
                    *("content", "whole_text", "files", "attachment", "from_where"),
                )
            },
        ),
        (
            _("Trace"),
            {"fields": ("worked_in", "came_in", "external_id", "created_at", "edited_at", "explained")},
        ),
    )
    readonly_fields = (
        *("talk", "whole_text", "files", "attachment", "from_where"),
        *("worked_in", "came_in", "explained"),
    )

    def get_urls(self) -> list[URLPattern]:
        return [*explanation.urls(), *super().get_urls()]

    @admin.display(description=_("message"), ordering="pk")
    def number(self, row: Message) -> str:
        return str(row.pk)

    @admin.display(description=_("text"))
    def beginning(self, row: Message) -> str:
        return columns.line(row.text)

    @admin.display(description=_("text"))
    def whole_text(self, row: Message) -> str:
        return columns.block(row.text)

    @admin.display(description=_("attachment"))
    def attachment(self, row: Message) -> str:
        return columns.pretty(row.media) if row.media else columns.NONE

    @admin.display(description=_("sources"))
    def from_where(self, row: Message) -> str:
        return sources.listed(row)

    @admin.display(description=_("attachments"))
    def files(self, row: Message) -> SafeString | str:
        """Seen where they are listed, by whoever may see them."""
        rows = row.attachments.only("name", "kind").order_by("pk")
        links = ((columns.link(Attachment, each.pk, each),) for each in rows)
        return format_html_join(" ", "{}", links) or columns.NONE

    @admin.display(description=_("turn"), ordering="turn")
    def worked_in(self, row: Message) -> str:
        return columns.link(Turn, row.turn_id, row.turn_id)

    @admin.display(description=_("update"))
    def came_in(self, row: Message) -> str:
        return columns.link(Update, row.update_id, row.update_id)
