"""What a provider answers when it fails, mapped into our failure tree. A model call may be asked again."""

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from khronos.agents.providers.base import Completion
from khronos.exceptions import Failure, Permanent, Throttled, Transient, Unauthorized

REASON_MAX = 300
WAIT_MAX_S = 24 * 3600.0
PASSING = {408, 409, 425}
# Nothing but an operator mends these: key, rights, payment, and a model that is not there.
OPERATORS = {401, 402, 403, 404}
# The same, said with another status: Anthropic answers 400, OpenAI 429.
CLOSED = (
    "credit balance is too low",
    "reached your specified API usage limits",
    "organization has been disabled",
    "insufficient_quota",
    "billing_hard_limit",
)

# How an alert begins; what is not here is the key.
COMPLAINTS = {
    "400": "wants to be paid",
    "402": "wants to be paid",
    "404": "does not know our model",
    "429": "wants to be paid",
}


class Wordless(Failure):
    """An answer that says nothing, and is paid for all the same."""

    answer: Completion | None = None


class Empty(Wordless, Transient):
    """The next one may say something."""


class CutShort(Wordless, Permanent):
    """The tokens ran out before its first word."""


def complaint(error: Unauthorized) -> str:
    return COMPLAINTS.get(str(error)[:3], "refuses our key")


def failure_of(status: int, body: object, headers: Mapping[str, str]) -> Failure:
    reason = f"{status} {message_of(body)[:REASON_MAX]}"
    if status in OPERATORS or any(words in str(body) for words in CLOSED):
        return Unauthorized(reason)
    if status == 429:
        return Throttled(reason, retry_after(headers))
    if status in PASSING or status >= 500:
        return Transient(reason, retry_after(headers))
    return Permanent(reason)


def message_of(body: object) -> str:
    """Both wrap it in an `error`."""
    while isinstance(body, dict):
        body = body.get("error") or body.get("message") or ""
    return str(body or "")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from now, of a header that gives milliseconds, seconds or a date."""
    if milliseconds := headers.get("retry-after-ms"):
        return bounded(milliseconds, 0.001)
    value = headers.get("retry-after")
    if not value:
        return None
    try:
        return bounded(parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return bounded(value)


def bounded(value: str | float, unit: float = 1.0) -> float | None:
    try:
        seconds = float(value) * unit
    except ValueError:
        return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), WAIT_MAX_S)
