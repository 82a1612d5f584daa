"""The web channel's addresses: signed messages in, a conversation out (docs/web-channel.md)."""

import time
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from khronos.channels.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, is_signed
from khronos.channels.web import CHAT_MAX, identifier
from khronos.channels.web_files import Unpacked, unpacked
from khronos.exceptions import Oversized, Refused, Unreadable
from khronos.guards.breakers import guarded
from khronos.intake.accept import accept
from khronos.intake.body import body_of
from khronos.intake.callers import come_back_s, wrong_secret_wait
from khronos.intake.channels import listening
from khronos.intake.reading import Cursor, is_thinking, read
from khronos.models import Channel, conversation_id
from khronos.observability.steps import Ids
from khronos.observability.tracing import given, headers_of
from khronos.resilience.deadlines import within

DATABASE_S = settings.BREAKERS["database"]["timeout_s"]


@csrf_exempt
@require_POST
def receive(request: HttpRequest, slug: str) -> HttpResponse:
    """Store the message and answer at once; all thinking happens later."""
    try:
        raw = body_of(request, settings.WEB_BODY_MAX_BYTES)  # a phone may send for long: no deadline yet
        return refusal(413, "too large") if raw is None else store(request, slug, raw)
    except (UnreadablePostError, RawPostDataException):
        return refusal(400, "the body was cut off")
    except Oversized as error:
        return refusal(413, str(error))
    except (DatabaseError, Refused) as error:
        return unavailable(error)


@within(DATABASE_S)
def store(request: HttpRequest, slug: str, raw: bytes) -> HttpResponse:
    with guarded("database"):
        channel = listening(slug, "web")
        if not is_from(channel, request, raw):
            return forbidden(request)
        return accepted(channel, within_limits(raw), given(request))


@require_GET
@within(DATABASE_S)
def messages(request: HttpRequest, slug: str) -> HttpResponse:
    """A conversation from the cursor on; the signature is over the path with its query."""
    try:
        channel = listening(slug, "web")
        asked = f"{request.path}?{request.META.get('QUERY_STRING', '')}".encode("utf-8", "replace")
        if not is_from(channel, request, asked):
            return forbidden(request)
        chat = identifier(request.GET.get("chat"), "chat", CHAT_MAX)
        after = Cursor.read(request.GET.get("after", ""))
        return page(conversation_id(channel.pk, chat), after)
    except DatabaseError as error:
        return unavailable(error)
    except (Unreadable, ValueError) as error:
        return refusal(400, str(error))


def within_limits(raw: bytes) -> Unpacked:
    """Its files apart from what is said. Raises Oversized."""
    message = unpacked(raw)
    if len(message.raw) > settings.UPDATE_MAX_BYTES:
        raise Oversized(f"more than {settings.UPDATE_MAX_BYTES} bytes without the files")
    if sum(map(len, message.files.values())) > settings.WEB_FILES_MAX_BYTES:
        raise Oversized(f"more than {settings.WEB_FILES_MAX_BYTES} bytes of files")
    return message


def accepted(channel: Channel, message: Unpacked, ids: Ids) -> JsonResponse:
    receipt = accept(channel, message.raw, ids, message.files)
    return JsonResponse(
        {"accepted": True, "trace_id": receipt.trace_id},
        status=202,
        headers=headers_of(**ids),
    )


def page(conversation: UUID, after: Cursor) -> JsonResponse:
    """Thinking is asked first, so that no answer is missed between the two looks."""
    thinking = is_thinking(conversation)
    found = read(conversation, after).as_json() | {"thinking": thinking}
    return JsonResponse(found, headers={"Cache-Control": "no-store"})


def is_from(channel: Channel, request: HttpRequest, content: bytes) -> bool:
    return is_signed(
        channel.secrets,
        request.headers.get(TIMESTAMP_HEADER, ""),
        request.headers.get(SIGNATURE_HEADER, ""),
        content,
        now=time.time(),
    )


def forbidden(request: HttpRequest) -> JsonResponse:
    if wait_s := wrong_secret_wait(request):
        return too_often(wait_s)
    return refusal(403, "signature or timestamp is wrong")


def too_often(wait_s: int) -> JsonResponse:
    response = refusal(429, "too often; try again later")
    response.headers["Retry-After"] = str(wait_s)
    return response


def refusal(status: int, reason: str) -> JsonResponse:
    return JsonResponse({"accepted": False, "error": reason}, status=status)


def unavailable(error: DatabaseError | Refused) -> JsonResponse:
    response = refusal(503, "not stored; send it again")
    response.headers["Retry-After"] = str(come_back_s(error))
    return response
