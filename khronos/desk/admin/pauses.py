"""Pauses: the buttons of what can be paused, and the list of what is."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from khronos.conversation import pausing
from khronos.desk.admin import columns
from khronos.desk.admin.base import KhronosAdmin
from khronos.desk.lengths import ago
from khronos.models import Channel, Conversation, Pause, Tenant

if TYPE_CHECKING:
    Base = KhronosAdmin[Any]
else:
    Base = object


class Pausable(Base):
    """Beside `KhronosAdmin`, for the nouns that a pause may be of. Their lists read `pause` along."""

    @admin.action(description=_("Pause"), permissions=["repair"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        by = request.user.get_username()
        self.repair(request, queryset, lambda row: pausing.pause(row, by), gettext("Paused"))

    @admin.action(description=_("Resume"), permissions=["repair"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        by = request.user.get_username()
        self.repair(request, queryset, lambda row: pausing.resume(row, by) is not None, gettext("Resumed"))


def offer(row: Tenant | Channel | Conversation) -> str:
    return "resume" if own(row) else "pause"


def own(row: Any) -> Pause | None:
    pause: Pause | None = getattr(row, "pause", None)
    return pause


def sign(*rows: Tenant | Channel | Conversation) -> SafeString:
    """A label where one of these is paused; empty where none is."""
    found = next((pause for row in rows if (pause := own(row))), None)
    if found is None:
        return SafeString("")
    text = gettext("paused for %(age)s") % {"age": ago(found.paused_at)}
    return columns.badge(text, "warning")


@admin.register(Pause)
class PauseAdmin(KhronosAdmin[Pause]):
    """A queue is paused here; all else has its button on its own page."""

    list_display = ("what", "since", "by")
    list_select_related = ("tenant", "channel", "conversation")
    search_fields = ("queue", "by", "tenant__slug", "channel__slug", "conversation__chat_id__exact")
    id_fields = {36: ("conversation",)}
    ordering = ("paused_at",)
    actions = ("resume",)
    fields = ("queue",)

    def get_fields(self, request: HttpRequest, obj: Pause | None = None) -> Any:
        return ("what", "since", "by", "turns", "deliveries") if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Pause | None = None) -> Any:
        return self.get_fields(request, obj) if obj else ()

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_choice_field(db_field, request, required=True, **kwargs)

    def save_model(self, request: HttpRequest, obj: Pause, form: Any, change: bool) -> None:
        pausing.pause(obj.subject, request.user.get_username())
        obj.pk = Pause.objects.of(obj.subject).values_list("pk", flat=True).get()

    @admin.display(description=_("what"))
    def what(self, row: Pause) -> str:
        field: Any = Pause._meta.get_field(row.kind)
        subject = row.subject
        shown = subject if isinstance(subject, str) else columns.link(type(subject), subject.pk, subject)
        return format_html("{} {}", field.verbose_name, shown)

    @admin.display(description=_("since"), ordering="paused_at")
    def since(self, row: Pause) -> str:
        return columns.age(row.paused_at)

    @admin.display(description=_("turns that wait"))
    def turns(self, row: Pause) -> str:
        return str(pausing.waiting(row).turns)

    @admin.display(description=_("deliveries that wait"))
    def deliveries(self, row: Pause) -> str:
        return str(pausing.waiting(row).deliveries)

    @admin.action(description=_("Resume"), permissions=["repair"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Pause]) -> None:
        by = request.user.get_username()

        def end(row: Pause) -> bool:
            return pausing.resume(row.subject, by) is not None

        self.repair(request, queryset, end, gettext("Resumed"))

    def offers(self, row: Pause) -> list[str]:
        return ["resume"]

    def response_action(self, *args: Any, **kwargs: Any) -> HttpResponse | None:
        """To the list: the page whose button was pressed is gone."""
        response = super().response_action(*args, **kwargs)
        if isinstance(response, HttpResponseRedirect):
            return HttpResponseRedirect(columns.list_of(Pause))
        return response

    def has_change_permission(self, request: HttpRequest, obj: Pause | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Pause | None = None) -> bool:
        """Resuming rings for what waited; deleting would not."""
        return False
