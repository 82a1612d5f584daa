"""Notes of operators. Written and read in their conversation; here they are found, and erased."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from khronos.desk.admin import columns
from khronos.desk.admin.base import ReadOnlyAdmin
from khronos.desk.admin.growing import Growing
from khronos.desk.admin.mixins import Aged, OfConversation
from khronos.models import Remark


@admin.register(Remark)
class RemarkAdmin(Growing, Aged, OfConversation, ReadOnlyAdmin[Remark]):
    list_display = ("pk", "talk", "operator", "beginning", "since")
    list_select_related = ("conversation__contact", "operator")
    search_fields = ("text",)
    id_fields = {36: ("conversation",)}
    ordering = ("-pk",)
    fields = readonly_fields = ("talk", "operator", "whole_text", "created_at")

    @admin.display(description=_("text"))
    def beginning(self, row: Remark) -> str:
        return columns.line(row.text)

    @admin.display(description=_("text"))
    def whole_text(self, row: Remark) -> str:
        return columns.block(row.text)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """What is wrong about somebody need not stand there until they are erased."""
        return request.user.has_perm("khronos.delete_remark")
