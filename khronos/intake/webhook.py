"""The webhook of any channel that was laid beside ours: verify, store, answer (docs/channels.md)."""

import logging
from collections.abc import Sequence

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from khronos.channels import account_of, kind_of, kinds
from khronos.channels.base import Call, Hooked
from khronos.exceptions import Refused
from khronos.guards.breakers import guarded
from khronos.intake.accept import accept, accept_all
from khronos.intake.body import body_of
from khronos.intake.channels import listening
from khronos.intake.telegram import DATABASE_S, forbidden, unavailable
from khronos.models import Channel
from khronos.observability.tracing import given
from khronos.resilience.deadlines import within

log = logging.getLogger(__name__)


@csrf_exempt
@require_http_methods(["GET", "POST"])
@within(DATABASE_S)
def receive(request: HttpRequest, kind: str, slug: str) -> HttpResponse:
    try:
        hooked = hooked_of(kind)
        with guarded("database"):
            channel = listening(slug, kind)
            if request.method == "GET":
                return greeted(request, hooked, channel)
            raw = body_of(request, settings.UPDATE_MAX_BYTES)
            return HttpResponse(status=413) if raw is None else stored(request, hooked, channel, raw)
    except (DatabaseError, Refused) as error:
        return unavailable(error)
    except (UnreadablePostError, RawPostDataException):
        return HttpResponse(status=400)  # cut off on the way: it will be sent again


def hooked_of(name: str) -> Hooked:
    kind = kind_of(name) if name in kinds() else None
    if not isinstance(kind, Hooked):
        raise Http404(name)
    return kind


def greeted(request: HttpRequest, kind: Hooked, channel: Channel) -> HttpResponse:
    said = kind.greeting(call_of(request, b""), account_of(channel))
    return forbidden(request) if said is None else HttpResponse(said, content_type="text/plain")


def stored(request: HttpRequest, kind: Hooked, channel: Channel, raw: bytes) -> HttpResponse:
    call = call_of(request, raw)
    matches = [kind.is_from(call, secret) for secret in channel.secrets]
    if not any(matches):
        return forbidden(request)
    raws = updates_of(kind, raw)
    ids = given(request)
    if len(raws) == 1:
        accept(channel, raws[0], ids)
    elif raws:
        accept_all(channel, raws, ids["correlation_id"] or ids["trace_id"])
    said = kind.answer(raw)
    return HttpResponse(said, content_type="application/json", headers={"Content-Length": str(len(said))})


def updates_of(kind: Hooked, raw: bytes) -> Sequence[bytes]:
    """A kind that fails here would have its service send the same again for ever."""
    try:
        return kind.updates(raw)
    except Exception:
        log.exception("a body could not be divided")
        return [raw]


def call_of(request: HttpRequest, raw: bytes) -> Call:
    return Call(raw, request.headers, request.GET.dict())
