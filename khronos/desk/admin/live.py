"""What open pages of the inbox ask for again and again: whether anything is new, and then what."""

import uuid

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from khronos.desk.admin import inbox
from khronos.desk.admin.columns import page_of
from khronos.desk.admin.talk import ALONG, mark_of, talk
from khronos.models import Conversation

NEWEST = 12  # messages; a page that shows none of them is loaded anew


def urls() -> list[URLPattern]:
    view = admin.site.admin_view
    return [
        path("news/", view(counts), name="khronos_conversation_counts"),
        path("<uuid:pk>/news/", view(news), name="khronos_conversation_news"),
    ]


@require_safe
@never_cache
def counts(request: HttpRequest) -> JsonResponse:
    """How many wait and are mine, as the list shows it, and when the newest of them came."""
    may_look(request)
    known = inbox.overview(request)
    shown = render_to_string("admin/khronos/conversation/counts.html", {"inbox": known}, request)
    return JsonResponse({"counts": shown, "newest": known["newest"]})


@require_safe
@never_cache
def news(request: HttpRequest, pk: uuid.UUID) -> JsonResponse:
    """The newest part of a conversation's page, unless it is as it was when that mark was given."""
    may_look(request)
    conversation = get_object_or_404(Conversation.objects.select_related(*ALONG), pk=pk)
    mark = mark_of(conversation)
    if request.GET.get("mark") == mark:
        return JsonResponse({"mark": mark})
    context = talk(request, conversation, most=NEWEST)
    context["here"] = page_of(Conversation, pk)
    shown = render_to_string("admin/khronos/conversation/talk.html", context, request)
    return JsonResponse({"mark": mark, "talk": shown})


def may_look(request: HttpRequest) -> None:
    if not request.user.has_perm("khronos.view_conversation"):
        raise PermissionDenied
