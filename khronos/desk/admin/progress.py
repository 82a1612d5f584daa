"""How far the reading of a document has come: a cell of the admin that its page asks for again and again."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from khronos.desk.admin import columns
from khronos.models import Document

AT_ONCE = 200  # documents of one page


def view(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("khronos.view_document"):
        raise PermissionDenied
    ids = [int(each) for each in request.GET.getlist("id")[:AT_ONCE] if each.isdecimal() and len(each) < 19]
    rows = Document.objects.filter(pk__in=ids).defer("raw").annotate(count=Count("chunks"))
    found: dict[str, Any] = {str(row.pk): {"standing": cell(row), "pieces": pieces(row)} for row in rows}
    return JsonResponse(found)


def cell(row: Document) -> SafeString:
    """Its state; as long as it is not settled with a bar, and where to ask for more."""
    badge = columns.state(row.state, row.get_state_display())
    if row.due_at is None:
        return format_html('<span data-document="{}">{}</span>', row.pk, badge)
    address = reverse("admin:khronos_document_progress")
    return format_html(
        '<span data-document="{}" data-open="{}">{} {}</span>', row.pk, address, badge, bar(row)
    )


def bar(row: Document) -> SafeString:
    done, count = row.chunks.exclude(code=None).count(), pieces(row)
    if row.state != Document.State.WORKING or not count:
        return format_html('<progress class="kh-bar" aria-label="{}"></progress>', _("Waits to be read"))
    words = _("%(done)s of %(count)s passages") % {"done": done, "count": count}
    return format_html(
        '<progress class="kh-bar" max="{}" value="{}" aria-label="{}"></progress> '
        '<span class="kh-time">{}</span>',
        count,
        done,
        words,
        words,
    )


def pieces(row: Document) -> int:
    return int(getattr(row, "count", 0))
