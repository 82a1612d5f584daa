"""`POST /test-alert`: does a cry for help reach anybody? By the token, or by whoever may mute alerts."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from khronos.herald import trial
from khronos.models.alert_policy import LEVELS
from khronos.observability.views import answer, has_token, refused


@csrf_exempt  # a token is no cookie; sessions are protected below
@require_POST
def test_alert(request: HttpRequest) -> HttpResponseBase:
    if has_token(request):
        return tried(request)
    by_session: Any = csrf_protect(by_staff)
    response: HttpResponseBase = by_session(request)
    return response


def by_staff(request: HttpRequest) -> JsonResponse:
    may_mute = request.user.is_staff and request.user.has_perm("khronos.change_alert")
    return tried(request) if may_mute else refused()


def tried(request: HttpRequest) -> JsonResponse:
    level = request.POST.get("level") or request.GET.get("level") or "info"
    if level not in LEVELS:
        return answer({"error": f"level is one of {', '.join(LEVELS)}"}, 400)
    outcomes = trial.try_all(level)
    is_told = any(each.is_told for each in outcomes)
    shown = {each.means: {"told": each.is_told, "off": each.is_off, "said": each.said} for each in outcomes}
    return answer({"level": level, "told": is_told, "means": shown}, 200 if is_told else 503)
