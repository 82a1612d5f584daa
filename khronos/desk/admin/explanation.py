"""The page that says why: of whatever id somebody has in hand (docs/timeline.md)."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from khronos.desk.admin import columns
from khronos.desk.lengths import after, took
from khronos.desk.why import Offer, Step, Story, Unknown, explain
from khronos.models import Conversation


@dataclass(frozen=True, slots=True)
class Line:
    """A step as the page shows it."""

    step: Step
    after: str
    took: str
    left: str  # of its bar, in hundredths of the whole; as SVG wants numbers, in every language
    width: str
    url: str


@dataclass(frozen=True, slots=True)
class Button:
    list: str
    pk: int
    name: str
    label: str


def urls() -> list[URLPattern]:
    view = admin.site.admin_view(page)
    return [
        path("why/", view, name="khronos_why"),
        path("why/<path:what>/", view, name="khronos_why_of"),
    ]


def page(request: HttpRequest, what: str = "") -> HttpResponse:
    if not request.user.has_perm("khronos.view_message"):
        raise PermissionDenied
    if asked := request.GET.get("q", "").strip():
        return redirect("admin:khronos_why_of", asked)
    context: dict[str, Any] = {**admin.site.each_context(request), "title": _("Why?"), "what": what}
    status = 200
    if what:
        try:
            context |= told(request, explain(what))
        except Unknown as error:
            context["unknown"], status = str(error), 404
    return TemplateResponse(request, "admin/khronos/why.html", context, status=status)


def told(request: HttpRequest, story: Story) -> dict[str, Any]:
    talk = story.rows.get("conversation")
    return {
        "story": story,
        "lines": [line(story, step) for step in story.steps],
        "buttons": [button for offer in story.offers for button in buttons(request, offer)],
        "talk_url": columns.page_of(Conversation, talk) if talk else "",
        "trace": columns.trace(story.trace_id, 32),
        "correlation": columns.correlation(story.correlation_id) if story.correlation_id else "",
    }


def line(story: Story, step: Step) -> Line:
    left, width = story.bar(step)
    url = ""
    if step.row:
        noun, pk = step.row
        url = columns.page_of(apps.get_model("khronos", noun), pk)
    return Line(
        step,
        after(story.after_s(step)),
        took(step.took_s),
        f"{left * 100:.2f}",
        f"{max(width * 100, 0.6):.2f}",
        url,
    )


def buttons(request: HttpRequest, offer: Offer) -> list[Button]:
    """The repair's own list knows its words, and who may press it."""
    model = apps.get_model("khronos", offer.noun)
    known = dict(admin.site.get_model_admin(model).get_action_choices(request))
    if offer.action not in known:
        return []
    label = f"{known[offer.action]} ({model._meta.verbose_name} {offer.pk})"
    return [Button(f"khronos_{offer.noun}_changelist", offer.pk, offer.action, label)]
