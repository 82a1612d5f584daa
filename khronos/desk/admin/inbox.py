"""The inbox of people: who waits for one, the next of them, and answers written by hand."""

import uuid
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from khronos.conversation import by_people
from khronos.desk.admin.columns import list_of, page_of
from khronos.desk.lengths import ago
from khronos.models import Conversation

MOST = 1000  # nobody needs to know it better
ANSWER_MAX = 20_000  # characters
TOKEN_MAX = 100


class Desk(admin.SimpleListFilter):
    title = _("people")
    parameter_name = "desk"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("waiting", _("waits for a person")), ("mine", _("mine"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "waiting":
            return queryset.filter(handed_at__isnull=False)
        return (
            Conversation.objects.held_by(request.user.pk) & queryset if self.value() == "mine" else queryset
        )


def urls() -> list[URLPattern]:
    view = admin.site.admin_view
    return [
        path("next/", view(take_next), name="khronos_conversation_next"),
        path("<uuid:pk>/answer/", view(answer), name="khronos_conversation_answer"),
        path("<uuid:pk>/note/", view(note), name="khronos_conversation_note"),
    ]


def overview(request: HttpRequest) -> dict[str, Any]:
    """Of the queue that the list shows, or of all."""
    queue_id = number(request.GET.get("queue__id__exact", ""))
    rows = Conversation.objects.waiting()
    if queue_id is not None:
        rows = rows.filter(queue=queue_id)
    since = rows.values_list("handed_at", flat=True)
    oldest, newest = since.first(), since.reverse().first()
    mine = list(
        Conversation.objects.held_by(request.user.pk).values_list("updated_at", flat=True)[: MOST + 1]
    )
    return {
        "waiting": bounded(rows.order_by().values("pk")[: MOST + 1].count()),
        "oldest": ago(oldest) if oldest else "",
        "mine": bounded(len(mine)),
        "newest": [moment.isoformat() if moment else "" for moment in (newest, max(mine, default=None))],
        "queue_id": queue_id,
    }


def bounded(count: int) -> str:
    return f"{MOST}+" if count > MOST else str(count)


def number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def token() -> str:
    return f"desk:{uuid.uuid4().hex}"


def operator_of(request: HttpRequest) -> AbstractBaseUser:
    if not request.user.has_perm("khronos.change_conversation"):
        raise PermissionDenied
    return cast(AbstractBaseUser, request.user)  # the admin lets in nobody else


@require_POST
def take_next(request: HttpRequest) -> HttpResponse:
    taken = by_people.take_next(operator_of(request), number(request.POST.get("queue", "")))
    if taken is None:
        messages.info(request, gettext("Nobody waits for a person."))
        return redirect(list_of(Conversation, "?desk=waiting"))
    kept(request, taken, gettext("Taken"))
    return redirect(page_of(Conversation, taken.pk) + "#newest")


@require_POST
def answer(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    operator = operator_of(request)
    conversation = get_object_or_404(Conversation.objects.select_related("channel"), pk=pk)
    text = request.POST.get("text", "").strip()[:ANSWER_MAX]
    refusal = ""
    if text:
        said = by_people.say(conversation, operator, text, request.POST.get("token", "")[:TOKEN_MAX])
        if said:
            kept(request, conversation, gettext("Answered"))
        else:
            refusal = refused(conversation)
    return told(request, conversation, refusal)


def refused(conversation: Conversation) -> str:
    if conversation.handler == Conversation.Handler.BOT:
        return gettext("Not sent: the assistant answers this conversation. Take it to answer yourself.")
    return gettext("Not sent: the conversation is not yours.")


@require_POST
def note(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """For colleagues; its text is kept in no history."""
    operator = operator_of(request)
    conversation = get_object_or_404(Conversation, pk=pk)
    text = request.POST.get("text", "").strip()[:ANSWER_MAX]
    if text:
        sent_as = request.POST.get("token", "")[:TOKEN_MAX] or token()
        by_people.note(conversation, operator, text, sent_as)
        kept(request, conversation, gettext("Note written"))
    return told(request, conversation, "")


def told(request: HttpRequest, conversation: Conversation, refusal: str) -> HttpResponse:
    """A live page stays as it is; without scripts the conversation is opened anew."""
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        said = {"error": refusal} if refusal else {"token": token()}
        return JsonResponse(said, status=409 if refusal else 200)
    if refusal:
        messages.error(request, refusal)
    return redirect(page_of(Conversation, conversation.pk) + "#newest")


def kept(request: HttpRequest, conversation: Conversation, what: str) -> None:
    """In the history of the row, where repairs are kept too."""
    admin.site.get_model_admin(Conversation).log_change(request, conversation, what)
