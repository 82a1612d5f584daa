"""What the Bot API answers, mapped into our failure tree."""

import re
from typing import Any

from khronos.channels.telegram.reading import decode
from khronos.exceptions import (
    Ambiguous,
    Blocked,
    Conflict,
    Failure,
    MarkupRefused,
    Migrated,
    Permanent,
    Throttled,
    Transient,
    Unauthorized,
    Unchanged,
    Unreadable,
    Vanished,
)
from khronos.http.inlet import Reply
from khronos.http.waits import asked_wait_s

REASON_MAX = 300
A_BOT = "messages to bots"  # the only 403 that says nothing of what people want
SAID_RETRY_AFTER = re.compile(r"retry after (\d+)", re.IGNORECASE)
REFUSED = {
    "can't parse entities": MarkupRefused,
    "message is not modified": Unchanged,
    "message to edit not found": Vanished,
    "message can't be edited": Vanished,
    "MESSAGE_ID_INVALID": Vanished,
}

# What a proxy may say in Telegram's place: surely not done, and no word on the message itself.
STRANGERS = {status for status in range(400, 500) if status not in (401, 404, 429)}


class Garbled(Transient):
    """A success whose details cannot be read."""

    def __init__(self, reason: str, body: bytes) -> None:
        super().__init__(reason)
        self.body = body


def result_of(method: str, reply: Reply, repeatable: bool) -> Any:
    """What the method returned, or the failure that the answer means."""
    answer = decoded(reply.body)
    if answer.get("ok") is True and reply.status < 300:
        return answer.get("result")
    code = answer.get("error_code")
    status = code if type(code) is int else reply.status
    reason = f"{method}: {status} {str(answer.get('description', ''))[:REASON_MAX]}".rstrip()
    if status < 400:
        reason = f"{method}: {status} with an answer that cannot be read"
        raise Garbled(reason, reply.body) if repeatable else Ambiguous(reason)
    if status in STRANGERS and "ok" not in answer:
        raise Transient(f"{method}: {status}, not in the words of Telegram")
    raise failure_of(status, reason, parameters_of(answer), reply, repeatable)


def decoded(body: bytes) -> dict[str, Any]:
    try:
        answer = decode(body)
    except Unreadable:
        return {}
    return answer if isinstance(answer, dict) else {}


def parameters_of(answer: dict[str, Any]) -> dict[str, Any]:
    parameters = answer.get("parameters")
    return parameters if isinstance(parameters, dict) else {}


def unsure(reason: str, repeatable: bool) -> Failure:
    """It may have been done: only what does no harm when done twice may be asked again."""
    return Transient(reason) if repeatable else Ambiguous(reason)


def failure_of(
    status: int, reason: str, parameters: dict[str, Any], reply: Reply, repeatable: bool
) -> Failure:
    if status == 429:
        said = SAID_RETRY_AFTER.search(reason)
        asked = parameters.get("retry_after"), asked_wait_s(reply), said and said[1]
        return Throttled(reason, seconds(*asked))
    if status >= 500:
        return unsure(reason, repeatable)
    if new_chat := parameters.get("migrate_to_chat_id"):
        return Migrated(reason, str(new_chat))
    if status in (401, 404):
        return Unauthorized(reason)
    if status == 403:
        return Permanent(reason) if A_BOT in reason else Blocked(reason)
    if status == 409:
        return Conflict(reason)
    kind = next((kind for words, kind in REFUSED.items() if words in reason), Permanent)
    return kind(reason)


def seconds(*answers: object) -> float | None:
    """The first of them that is a number."""
    for answer in answers:
        try:
            value = float(answer)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue
        if 0 <= value < 86_400 * 7:
            return value
    return None
