"""The bytes that contacts sent, for operators: pictures are shown, all else is saved and never opened here.

What a file is, its bytes say, not its name or its sender. A page that somebody sent must not run as ours.
"""

import logging

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from khronos.desk.admin import columns
from khronos.media import magic
from khronos.models import Attachment
from khronos.observability.handlers import AUDIT

log = logging.getLogger(AUDIT)

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=3600",
}
UNKNOWN = "application/octet-stream"


def urls() -> list[URLPattern]:
    view = admin.site.admin_view(require_GET(give))
    return [path("<int:pk>/file/", view, name="khronos_attachment_file")]


def give(request: HttpRequest, pk: int) -> HttpResponse:
    if not request.user.has_perm("khronos.view_attachment"):
        raise PermissionDenied
    row = get_object_or_404(Attachment, pk=pk)
    raw = row.bytes() if row.has_bytes else b""
    if not raw:
        raise Http404
    kind = magic.kind_of(raw)
    is_shown = kind in magic.PICTURES and "save" not in request.GET
    log.info("saw an attachment", extra={"user_id": str(request.user.pk), "object": str(pk)})
    disposition = content_disposition_header(not is_shown, row.name or f"{row.kind}-{pk}")
    return HttpResponse(
        raw,
        content_type=kind if is_shown else UNKNOWN,
        headers=HEADERS | {"Content-Disposition": disposition or "attachment"},
    )


def address(row: Attachment) -> str:
    """Empty where there are no bytes."""
    return reverse("admin:khronos_attachment_file", args=[row.pk]) if row.has_bytes else ""


def is_picture(row: Attachment) -> bool:
    return row.has_bytes and (row.media_type in magic.PICTURES or row.kind == Attachment.Kind.PHOTO)


def picture(row: Attachment) -> SafeString | str:
    if not is_picture(row):
        return columns.NONE
    return format_html(
        '<a href="{0}"><img class="kh-thumb" src="{0}" alt="{1}" loading="lazy"></a>', address(row), row
    )


def saved(row: Attachment) -> SafeString | str:
    if not row.has_bytes:
        return columns.NONE
    return format_html('<a class="kh-link" href="{}?save=1" download>{}</a>', address(row), _("Save"))
