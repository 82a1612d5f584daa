"""Trials of the backup: what came of restoring the newest copy."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from khronos.desk.admin import columns
from khronos.desk.admin.base import ReadOnlyAdmin
from khronos.desk.lengths import words
from khronos.models import BackupCheck


@admin.register(BackupCheck)
class BackupCheckAdmin(ReadOnlyAdmin[BackupCheck]):
    list_display = ("number", "condition", "beginning", "began", "copied", "megabytes", "took")
    list_filter = ("ok",)
    ordering = ("-pk",)
    fields = (
        "condition",
        "whole_verdict",
        "begun_at",
        "ended_at",
        "copied_at",
        "position",
        "megabytes",
        "content",
        "took",
    )
    readonly_fields = ("condition", "whole_verdict", "megabytes", "content", "took")

    @admin.display(description=_("trial"), ordering="pk")
    def number(self, row: BackupCheck) -> str:
        return f"{row.pk}"

    @admin.display(description=_("state"), ordering="ok")
    def condition(self, row: BackupCheck) -> str:
        if row.ended_at is None:
            return columns.state("stale", _("not ended"))
        return columns.state("good", _("good")) if row.ok else columns.state("bad", _("bad"))

    @admin.display(description=_("verdict"))
    def beginning(self, row: BackupCheck) -> str:
        return columns.line(row.verdict)

    @admin.display(description=_("verdict"))
    def whole_verdict(self, row: BackupCheck) -> str:
        return columns.block(row.verdict)

    @admin.display(description=_("begun"), ordering="begun_at")
    def began(self, row: BackupCheck) -> str:
        return columns.age(row.begun_at)

    @admin.display(description=_("newest change in the copy"), ordering="copied_at")
    def copied(self, row: BackupCheck) -> str:
        return columns.age(row.copied_at)

    @admin.display(description="MB", ordering="size")
    def megabytes(self, row: BackupCheck) -> str:
        return f"{row.size / 1e6:.1f}"

    @admin.display(description=_("rows"))
    def content(self, row: BackupCheck) -> str:
        return columns.block("\n".join(f"{table}: {count}" for table, count in row.rows.items()))

    @admin.display(description=_("took"))
    def took(self, row: BackupCheck) -> str:
        return words(row.restored_s + row.judged_s)

    def has_delete_permission(self, request: HttpRequest, obj: BackupCheck | None = None) -> bool:
        return False
