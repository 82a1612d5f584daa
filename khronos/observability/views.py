"""`/health`: this process lives. `/ready`: it could work now. Both without middleware (khronos/wsgi.py)."""

import os
import time
from collections.abc import Callable

import psutil
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from khronos.observability.health import MIB, Result, readiness

me = psutil.Process()


@require_safe
def health(_request: HttpRequest) -> JsonResponse:
    """Touches nothing else: a broken database is no reason to restart this process."""
    return answer(
        {
            "status": "UP",
            "uptime": round(time.time() - me.create_time(), 1),
            "memory": {"rss_mb": round(me.memory_info().rss / MIB, 1), "limit_mb": settings.MAX_MEMORY_MB},
            "pid": os.getpid(),
        }
    )


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    results = readiness.look()
    is_ready = all(result.ok for result in results.values())
    body: dict[str, object] = {"status": "ready" if is_ready else "not ready"}
    if has_token(request) or (results["database"].ok and is_staff(request)):
        body["checks"] = {name: told(result) for name, result in results.items()}
    return answer(body, 200 if is_ready else 503)


def told(result: Result) -> dict[str, object]:
    return {"ok": result.ok, "detail": result.detail, "took_ms": result.took_ms}


def answer(body: dict[str, object], status: int = 200) -> JsonResponse:
    response = JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})
    response._has_been_logged = True  # type: ignore[attr-defined]  # a 503 here is news, not an error
    return response


def refused() -> JsonResponse:
    refusal = answer({"error": "sign in to /admin/, or send METRICS_TOKEN as a bearer token"}, 401)
    refusal.headers["WWW-Authenticate"] = "Bearer"
    return refusal


def unsure() -> JsonResponse:
    error = "the database is away, and it alone knows who is signed in: send METRICS_TOKEN, or try again"
    refusal = answer({"error": error}, 503)
    refusal.headers["Retry-After"] = "2"
    return refusal


def turned_away(request: HttpRequest, admits: Callable[[HttpRequest], bool]) -> JsonResponse | None:
    try:
        return None if admits(request) else refused()
    except Error:
        return unsure()


def is_operator(request: HttpRequest) -> bool:
    return has_token(request) or is_staff(request)


def has_token(request: HttpRequest) -> bool:
    return is_token(request.headers.get("Authorization", ""))


def is_token(authorization: str) -> bool:
    """An empty METRICS_TOKEN admits nobody."""
    kind, _, shown = authorization.partition(" ")
    token: str = settings.METRICS_TOKEN
    return bool(token) and kind.lower() == "bearer" and constant_time_compare(shown.strip(), token)


def is_staff(request: HttpRequest) -> bool:
    """The lean chain has no sessions: read one where a cookie asks for it."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    SessionMiddleware(lambda _request: HttpResponse()).process_request(request)
    user = get_user(request)
    return user.is_active and getattr(user, "is_staff", False)
