"""Canned answers: written here, picked where an answer is written."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from khronos.desk.admin import columns
from khronos.desk.admin.base import KhronosAdmin
from khronos.models import CannedAnswer


@admin.register(CannedAnswer)
class CannedAnswerAdmin(KhronosAdmin[CannedAnswer]):
    list_display = ("name", "beginning", "tenant")
    list_filter = ("tenant",)
    list_select_related = ("tenant",)
    search_fields = ("name", "text")
    ordering = ("tenant", "name")
    fields = ("tenant", "name", "text")

    @admin.display(description=_("text"))
    def beginning(self, row: CannedAnswer) -> str:
        return columns.line(row.text)
