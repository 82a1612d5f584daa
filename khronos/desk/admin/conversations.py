"""Conversations: the list, and the page that shows one as it went."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.forms import Script
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from khronos.conversation import handoff
from khronos.desk.admin import columns, inbox, live
from khronos.desk.admin.base import ReadOnlyAdmin
from khronos.desk.admin.filters import SinceUpdated
from khronos.desk.admin.pauses import Pausable, offer
from khronos.desk.admin.talk import ALONG, answers, mark_of, status, talk
from khronos.models import Conversation, Queue, Turn


class Waiting(admin.SimpleListFilter):
    """Conversations with a turn to be done, by the index of due turns."""

    title = _("work")
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("a turn is to be done"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return queryset.filter(pk__in=Turn.objects.unsettled().values("conversation"))


@admin.register(Conversation)
class ConversationAdmin(Pausable, ReadOnlyAdmin[Conversation]):
    list_display = ("who", "waits", "channel", "status", "answers", "queue", "holder", "since", "chat_id")
    list_filter = (inbox.Desk, Waiting, "state", "handler", SinceUpdated, "queue", "channel", "tenant")
    list_select_related = ALONG
    search_fields = ("chat_id__exact", "contact__name", "contact__username", "title")
    id_fields = {36: ("pk", "contact")}
    ordering = ("-updated_at",)
    fields = ("contact", "channel", "state", "handler", "queue", "operator", "chat_id", "chat_type", "title")
    list_before_template = "admin/khronos/conversation/inbox.html"
    actions = ("take", "take_over", "hand_to_bot", "hand_to_queue", "pause", "resume", "close")
    change_form_template = "admin/khronos/conversation/timeline.html"

    class Media:
        js = (Script("desk/inbox.js", type="module"),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        undone = Turn.objects.unsettled().filter(conversation=OuterRef("pk")).order_by("pk")
        rows: QuerySet[Conversation] = super().get_queryset(request).select_related(*ALONG)
        return rows.annotate(waits_since=Subquery(undone.values("created_at")[:1]))

    def get_urls(self) -> list[URLPattern]:
        return [*inbox.urls(), *live.urls(), *super().get_urls()]

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("handed_at", "pk") if request.GET.get("desk") == "waiting" else ("-updated_at",)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"inbox": inbox.overview(request), "may_repair": self.has_repair_permission(request)}
        return super().changelist_view(request, context | (extra_context or {}))

    @admin.display(description=_("contact"), ordering="contact__name")
    def who(self, row: Conversation) -> str:
        return str(row.title or row.contact or row.chat_id)

    @admin.display(description=_("state"), ordering="state")
    def status(self, row: Conversation) -> str:
        return status(row)

    @admin.display(description=_("answered by"), ordering="handler")
    def answers(self, row: Conversation) -> str:
        return answers(row)

    @admin.display(description=_("operator"), ordering="operator")
    def holder(self, row: Conversation) -> str:
        """And when they last did anything here."""
        if row.operator is None:
            return columns.NONE
        return format_html("{} {}", row.operator, columns.age(row.acted_at) if row.acted_at else "")

    @admin.display(description=_("waits"))
    def waits(self, row: Conversation) -> str:
        return columns.age(row.handed_at or getattr(row, "waits_since", None))

    @admin.display(description=_("last message"), ordering="updated_at")
    def since(self, row: Conversation) -> str:
        return columns.age(row.updated_at)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        conversation: Conversation = kwargs["obj"]
        text = request.GET.get("before", "")
        before = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
        context["mark"] = mark_of(conversation)  # before: what comes meanwhile is news
        context |= talk(request, conversation, before)
        return super().render_change_form(request, context, *args, **kwargs)

    def offers(self, row: Conversation) -> list[str]:
        names = ["take" if row.operator_id is None else "take_over"]
        names += [] if row.handler == Conversation.Handler.BOT else ["hand_to_bot"]
        names.append(offer(row))
        return names if row.state == Conversation.State.CLOSED else [*names, "close"]

    def offered(self, request: HttpRequest, row: Conversation) -> list[tuple[str, str]]:
        is_mine = row.operator_id == request.user.pk
        found = super().offered(request, row)
        return [offer for offer in found if offer[0] != "take_over" or not is_mine]

    def has_take_over_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("khronos.take_over_conversation")

    @admin.action(description=_("Take it over"), permissions=["take_over"])
    def take_over(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        """From the colleague who has it."""
        operator = inbox.operator_of(request)
        self.repair(
            request, queryset, lambda row: handoff.take_over(row, operator), gettext("Taken from a colleague")
        )

    @admin.action(description=_("Take it"), permissions=["repair"])
    def take(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        """For whoever presses, unless a colleague has it."""
        operator = inbox.operator_of(request)
        self.repair(request, queryset, lambda row: handoff.claim(row, operator), gettext("Taken"))

    @admin.action(description=_("Hand to the assistant"), permissions=["repair"])
    def hand_to_bot(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        by = request.user.get_username()
        self.repair(
            request, queryset, lambda row: handoff.release(row, by), gettext("Handed to the assistant")
        )

    @admin.action(description=_("Hand to a queue"), permissions=["repair"])
    def hand_to_queue(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        """The queue that was chosen, or the default one of the conversation's tenant."""
        by, chosen = request.user.get_username(), request.POST.get("queue", "")

        def hand_off(row: Conversation) -> bool:
            queues = Queue.objects.filter(tenant=row.tenant_id)
            queue = queues.filter(pk=chosen) if chosen.isdecimal() else queues.filter(is_default=True)
            found = queue.first()
            return found is not None and handoff.hand_off(row, found, by)

        self.repair(request, queryset, hand_off, gettext("Handed to a queue"))

    @admin.action(description=_("Close"), permissions=["repair"])
    def close(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        by = request.user.get_username()
        self.repair(request, queryset, lambda row: handoff.close(row, by), gettext("Closed"))
