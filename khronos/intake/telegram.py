"""Telegram's webhook: verify, store, answer."""

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.http.request import RawPostDataException, UnreadablePostError
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from khronos.exceptions import Refused
from khronos.guards.breakers import guarded
from khronos.intake.accept import accept
from khronos.intake.body import body_of
from khronos.intake.callers import come_back_s, wrong_secret_wait
from khronos.intake.channels import listening
from khronos.models import Channel
from khronos.observability.tracing import TRACE_HEADER, given
from khronos.resilience.deadlines import within

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a name
DATABASE_S = settings.BREAKERS["database"]["timeout_s"]
EMPTY = {"Content-Length": "0"}  # else the server sends an empty body in chunks


@csrf_exempt
@require_POST
@within(DATABASE_S)
def receive(request: HttpRequest, slug: str) -> HttpResponse:
    """Store the update and answer at once; all thinking happens later."""
    try:
        with guarded("database"):
            channel = listening(slug, "telegram")
            if not knows_secret(channel, request.headers.get(SECRET_HEADER, "")):
                return forbidden(request)
            raw = body_of(request, settings.UPDATE_MAX_BYTES)
            if raw is None:
                return HttpResponse(status=413)
            receipt = accept(channel, raw, given(request))
    except (DatabaseError, Refused) as error:
        return unavailable(error)
    except (UnreadablePostError, RawPostDataException):
        return HttpResponse(status=400)  # cut off on the way: it will be sent again
    return HttpResponse(headers={TRACE_HEADER: receipt.trace_id, **EMPTY})


def knows_secret(channel: Channel, given: str) -> bool:
    """Against each valid one, so that the time tells nothing of which it was."""
    matches = [constant_time_compare(given, secret) for secret in channel.secrets]
    return any(matches)


def forbidden(request: HttpRequest) -> HttpResponse:
    if wait_s := wrong_secret_wait(request):
        return HttpResponse(status=429, headers={"Retry-After": str(wait_s)})
    return HttpResponseForbidden()


def unavailable(error: DatabaseError | Refused) -> HttpResponse:
    """The database cannot be written: Telegram keeps the update and sends it again."""
    return HttpResponse(status=503, headers={"Retry-After": str(come_back_s(error))})
