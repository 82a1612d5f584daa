"""What contacts sent beside text: what became of it, what is in it, and the bytes while they are kept."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from khronos.desk.admin import columns, files
from khronos.desk.admin.base import ReadOnlyAdmin
from khronos.desk.admin.filters import Since
from khronos.desk.admin.mixins import Aged
from khronos.models import Attachment, Conversation, Message


@admin.register(Attachment)
class AttachmentAdmin(Aged, ReadOnlyAdmin[Attachment]):
    list_display = ("number", "talk", "kind", "called", "kilobytes", "standing", "beginning", "since")
    list_filter = ("state", "kind", Since)
    list_select_related = ("message__conversation__contact",)
    search_fields = ("name", "sha256__exact")
    ordering = ("-pk",)
    fields = (
        "talk", "said", "kind", "called", "picture", "bytes_", "kilobytes", "seconds", "media_type",
        "standing", "beginning", "whole_text", "sha256", "file_id", "created_at", "fetched_at",
        "forgotten_at",
    )  # fmt: skip
    readonly_fields = fields

    def get_urls(self) -> list[URLPattern]:
        return [*files.urls(), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attachment]:
        """A list does not carry the text of every document."""
        rows = super().get_queryset(request)
        match = request.resolver_match
        return rows.defer("text") if match and str(match.url_name).endswith("_changelist") else rows

    @admin.display(description=_("attachment"), ordering="pk")
    def number(self, row: Attachment) -> str:
        return str(row.pk)

    @admin.display(description=_("conversation"))
    def talk(self, row: Attachment) -> str:
        talk = row.message.conversation
        return columns.link(Conversation, talk.pk, talk.contact or talk)

    @admin.display(description=_("message"))
    def said(self, row: Attachment) -> str:
        return columns.link(Message, row.message_id, row.message_id)

    @admin.display(description=_("name"), ordering="name")
    def called(self, row: Attachment) -> str:
        return columns.line(row.name)

    @admin.display(description=_("picture"))
    def picture(self, row: Attachment) -> str:
        return files.picture(row)

    @admin.display(description=_("bytes"))
    def bytes_(self, row: Attachment) -> str:
        return files.saved(row)

    @admin.display(description="kB", ordering="size")
    def kilobytes(self, row: Attachment) -> str:
        return f"{row.size / 1e3:,.1f}"

    @admin.display(description=_("state"), ordering="state")
    def standing(self, row: Attachment) -> str:
        return columns.state(row.state, row.get_state_display())

    @admin.display(description=_("reason"))
    def beginning(self, row: Attachment) -> str:
        return columns.line(row.why, 200)

    @admin.display(description=_("text in it"))
    def whole_text(self, row: Attachment) -> str:
        return columns.block(row.text) if row.text else columns.NONE
