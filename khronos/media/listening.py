"""Sound is written down: within the budget, twice at once and once a second at most, and paid once."""

import math
import time
from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings

from khronos.agents.providers.errors import complaint
from khronos.agents.think import wrong_key
from khronos.alerts import raise_alert, resolve_alert
from khronos.bus import doorbell
from khronos.bus.routes import HURRY
from khronos.exceptions import Failure, Throttled, Transient, Unauthorized
from khronos.guards import limits
from khronos.guards.breakers import guarded
from khronos.media.transcribing.base import Recording, Transcriber
from khronos.models import Attachment, Turn, Usage
from khronos.observability import metrics
from khronos.observability.steps import step
from khronos.usage import budget
from khronos.usage.charging import charged_to, note_sound

NAME = "transcriber"
BYTES_A_SECOND = 2000  # of speech as chats send it, where nobody says how long it is

# As the other side knows them, by the ending of the name. Telegram calls Opus in Ogg .oga.
ENDINGS = {
    "audio/ogg": "ogg", "audio/mpeg": "mp3", "audio/mp4": "m4a", "audio/x-m4a": "m4a", "audio/wav": "wav",
    "audio/x-wav": "wav", "audio/webm": "webm", "audio/flac": "flac", "video/mp4": "mp4",
}  # fmt: skip


def listen(
    scribe: Transcriber, turn: Turn, attachment: Attachment, raw: bytes, token: str, wake: limits.Wake
) -> str:
    """Raises Transient (Spent and Full among them), Permanent, Unauthorized."""
    seconds = attachment.seconds or math.ceil(len(raw) / BYTES_A_SECOND)
    cost = micros(seconds)
    if budget.limit_of(turn.conversation.channel.tenant):
        budget.reserve(turn, cost)
    with guarded(NAME), limits.seat(NAME, token, wake):
        text = ask(scribe, recording(turn, attachment, raw))
    who = turn.conversation.agent.slug
    metrics.COST.labels(model=settings.TRANSCRIBER_MODEL, agent=who).inc(cost / 1_000_000)
    with charged_to(turn, Usage.Kind.TRANSCRIPTION):
        note_sound(settings.TRANSCRIBER, settings.TRANSCRIBER_MODEL, cost, is_priced=is_priced())
    return text


def ask(scribe: Transcriber, sound: Recording) -> str:
    status, began = "refused", time.perf_counter()
    try:
        with step("sound.heard", provider=NAME, bytes=len(sound.raw)):
            text = scribe.transcribe(sound)
        status = "ok"
    except Unauthorized as error:
        status = "unauthorized"
        raise_alert(wrong_key(NAME), "error", f"{NAME} {complaint(error)}: {error}")
        raise
    except Throttled as error:
        status = "throttled"
        limits.slow_down(NAME, error.retry_after)
        raise
    except Failure as error:
        status = "away" if isinstance(error, Transient) else "refused"
        raise
    finally:
        metrics.API_CALLS.labels(provider=NAME, status=status).inc()
        metrics.AI_LATENCY.labels(provider=NAME).observe(time.perf_counter() - began)
    if resolve_alert(wrong_key(NAME)):
        doorbell.call(HURRY, "ops", wrong_key(NAME))
    return text


def recording(turn: Turn, attachment: Attachment, raw: bytes) -> Recording:
    """The contact's own name for it stays here: a header is no place for it."""
    is_video = attachment.kind == Attachment.Kind.VIDEO_NOTE
    said = attachment.media_type.lower()
    media_type = said if said in ENDINGS else "video/mp4" if is_video else "audio/ogg"
    return Recording(raw, f"sound.{ENDINGS[media_type]}", media_type)


def micros(seconds: int) -> int:
    """Millionths of the price list's currency; as the providers do, by the second."""
    price = settings.MINUTE_PRICES.get(settings.TRANSCRIBER_MODEL, settings.DEFAULT_MINUTE_PRICE)
    return int((price * 1_000_000 * Decimal(seconds) / 60).to_integral_value(ROUND_HALF_UP))


def is_priced() -> bool:
    return settings.TRANSCRIBER_MODEL in settings.MINUTE_PRICES
