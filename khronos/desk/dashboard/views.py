"""The page and its numbers. Both work while the database is away, for whoever was signed in before."""

import json

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.signing import BadSignature
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from khronos.desk.chat import CONTENT_SECURITY_POLICY
from khronos.desk.dashboard.board import board, everything, memory, services
from khronos.desk.dashboard.phrases import phrases
from khronos.desk.dashboard.questions import DEADLINE_S
from khronos.guards.views import operators_only
from khronos.observability.views import has_token, is_staff
from khronos.resilience.deadlines import within

WAS_HERE = "khronos_desk"  # a cookie: whoever holds this session was staff
REMEMBERED_S = 12 * 3600


def may_look(request: HttpRequest) -> bool:
    """Only the database knows whose a session is; while it is away, what it said before counts."""
    if has_token(request):
        return True
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    if was_staff(request) and not board.look()["work"].ok:
        return True
    try:
        with within(DEADLINE_S):
            return is_staff(request)
    except Error:
        if was_staff(request):
            return True
        raise


def was_staff(request: HttpRequest) -> bool:
    try:
        session = request.get_signed_cookie(WAS_HERE, max_age=REMEMBERED_S)
    except (KeyError, BadSignature):
        return False
    return session == request.COOKIES.get(settings.SESSION_COOKIE_NAME)


data = operators_only(everything, may_look)
services_status = operators_only(services, may_look)
memory_status = operators_only(memory, may_look)


@require_safe
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    said = phrases()
    try:
        if not may_look(request):
            return redirect_to_login("/dashboard")
    except Error:  # a sign-in would fail, too, and lead whoever is signed in elsewhere
        again = {"Retry-After": "2", "Refresh": "2"}
        return HttpResponse(
            said["unsure"], status=503, content_type="text/plain; charset=utf-8", headers=again
        )
    context = {
        "language": get_language(),
        "t": said,
        "looking": said["contact.looking"],
        "phrases": json.dumps(said),
    }
    response = render(request, "desk/dashboard.html", context)
    response.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; font-src 'self'"
    response.headers["Referrer-Policy"] = "same-origin"
    remember(request, response)
    return response


def remember(request: HttpRequest, response: HttpResponse) -> None:
    """That this session is one of staff, which the database has just said."""
    session = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    if session and board.look()["work"].ok:
        response.set_signed_cookie(
            WAS_HERE,
            session,
            max_age=REMEMBERED_S,
            path="/dashboard",
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
