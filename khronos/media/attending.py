"""All that was attached to a turn's questions, before it is thought about: fetched, understood, or refused.

Nothing is done twice: each file's row says how far it is, and whoever comes after a crash goes on from there.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore

from django.conf import settings

from khronos.agents.think import Away, verdict
from khronos.channels import transport_of
from khronos.exceptions import Failure, LostLease, Transient, Unauthorized
from khronos.guards import limits
from khronos.media import fetching, listening
from khronos.media.showing import FILES
from khronos.media.transcribing import transcriber
from khronos.media.understanding import understand
from khronos.models import Attachment, Message, Turn
from khronos.models.attachment import of_messages
from khronos.observability.steps import step

State, Kind = Attachment.State, Attachment.Kind
QUIET_TRIES = 2  # before the contact is told that a file does not come
BUSY_S = 2.0  # for others' files in hand


def attend(turn: Turn, messages: Sequence[Message], token: str, wake: limits.Wake) -> list[Attachment]:
    """The rows of what was sent, as far as it could be understood. Raises Transient, Away."""
    files = [message.pk for message in messages if message.content in FILES]
    if not files:
        return []
    rows = [row for rows in of_messages(files).values() for row in rows]
    if any(is_open(row) for row in rows):
        with in_hand(), step("files.read", files=len(rows)):
            rows = [attended(turn, row, token, wake) if is_open(row) else row for row in rows]
        for message in messages:
            if message.pk in files:
                message.refresh_from_db(fields=["text"])
    return rows


def is_open(row: Attachment) -> bool:
    """Whether this turn waits for it. Of what nobody here can hear or watch, operators may want the bytes."""
    if row.kind == Kind.VIDEO or (row.kind in Attachment.SPOKEN and transcriber() is None):
        return False
    return row.state in (State.WAITING, State.FETCHED)


def attended(turn: Turn, row: Attachment, token: str, wake: limits.Wake) -> Attachment:
    if row.state == State.WAITING:
        row = fetched(turn, row)
    if row.state == State.FETCHED:
        try:
            understand(turn, row, token, wake)
        except (Transient, Unauthorized) as error:
            raise verdict([(listening.NAME, error)]) from None
    return row


def fetched(turn: Turn, row: Attachment) -> Attachment:
    claimed = Attachment.objects.seize(row.pk, settings.MEDIA_LEASE)
    if claimed is None:
        raise Transient("a file is being fetched", retry_after=BUSY_S)
    try:
        fetching.fetch(claimed, turn.conversation.channel)
    except LostLease:
        raise Transient("a file was taken over", retry_after=BUSY_S) from None
    except (Transient, Unauthorized) as error:
        raise put_off(turn, error) from None
    return claimed


def put_off(turn: Turn, error: Failure) -> Exception:
    """As if a model were away; a short trouble is nobody's concern. The reason's first word wakes us."""
    guard = transport_of(turn.conversation.channel).guard
    reason = f"{guard}: {error}" if guard else str(error)
    if isinstance(error, Transient) and turn.deferrals < QUIET_TRIES:
        return Transient(reason, error.retry_after)
    return Away(reason, error.retry_after, needs_operator=isinstance(error, Unauthorized), words="fetching")


@contextmanager
def in_hand() -> Iterator[None]:
    """So many at once in one process: each may be as large as files can be."""
    if not places().acquire(blocking=False):
        raise Transient("other files are in hand", retry_after=BUSY_S)
    try:
        yield
    finally:
        places().release()


@cache
def places() -> BoundedSemaphore:
    return BoundedSemaphore(settings.MEDIA_AT_ONCE)
