"""The page and its numbers. Both work while the database is away, for whoever was signed in before."""

import json
from enum import StrEnum, auto

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


class Voucher(StrEnum):
    TOKEN = auto()
    DATABASE = auto()
    BEFORE = auto()  # what the database said then


def voucher(request: HttpRequest) -> Voucher | None:
    """Only the database knows whose a session is; while it is away, what it said before counts."""
    if has_token(request):
        return Voucher.TOKEN
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    if was_staff(request) and not board.look()["work"].ok:
        return Voucher.BEFORE
    try:
        with within(DEADLINE_S):
            return Voucher.DATABASE if is_staff(request) else None
    except Error:
        if was_staff(request):
            return Voucher.BEFORE
        raise


def may_look(request: HttpRequest) -> bool:
    return voucher(request) is not None


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
        known_by = voucher(request)
    except Error:  # a sign-in would fail, too, and lead whoever is signed in elsewhere
        again = {"Retry-After": "2", "Refresh": "2"}
        return HttpResponse(
            said["unsure"], status=503, content_type="text/plain; charset=utf-8", headers=again
        )
    if known_by is None:
        return redirect_to_login("/dashboard")
    context = {
        "language": get_language(),
        "t": said,
        "looking": said["contact.looking"],
        "phrases": json.dumps(said),
    }
    response = render(request, "desk/dashboard.html", context)
    response.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; font-src 'self'"
    response.headers["Referrer-Policy"] = "same-origin"
    if known_by is Voucher.DATABASE:
        remember(request, response)
    return response


def remember(request: HttpRequest, response: HttpResponse) -> None:
    response.set_signed_cookie(
        WAS_HERE,
        request.COOKIES[settings.SESSION_COOKIE_NAME],
        max_age=REMEMBERED_S,
        path="/dashboard",
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
