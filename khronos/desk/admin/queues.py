"""Queues of people."""

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from khronos.desk.admin.base import KhronosAdmin
from khronos.desk.admin.columns import list_of
from khronos.models import Conversation, Queue

WAITS = Q(conversations__handed_at__isnull=False)


@admin.register(Queue)
class QueueAdmin(KhronosAdmin[Queue]):
    list_display = ("name", "tenant", "slug", "is_default", "waiting")
    list_filter = ("is_default", "tenant")
    list_select_related = ("tenant",)
    search_fields = ("name", "slug")
    ordering = ("tenant", "name")
    fields = ("tenant", "name", "slug", "keywords", "is_default")
    prepopulated_fields = {"slug": ("name",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Queue]:
        return super().get_queryset(request).annotate(waits=Count("conversations", filter=WAITS))

    @admin.display(description=_("waiting"), ordering="waits")
    def waiting(self, row: Queue) -> str:
        count = getattr(row, "waits", 0)
        url = list_of(Conversation, f"?desk=waiting&queue__id__exact={row.pk}")
        return format_html('<a class="kh-link" href="{}">{}</a>', url, count)

    def has_delete_permission(self, request: HttpRequest, obj: Queue | None = None) -> bool:
        """Whoever waits in it would be forgotten."""
        if obj is not None and obj.conversations.exists():
            return False
        return super().has_delete_permission(request, obj)
