"""From the channel into rows, piece by piece: whoever comes again after a crash begins anew.

Each piece is a transaction of its own behind the attachment's fence, so that nobody waits long for the
database, and whoever lost the lease writes nothing.
"""

import logging
from datetime import timedelta
from functools import partial
from hashlib import sha256

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from khronos.channels import transport_of
from khronos.channels.base import Transport
from khronos.exceptions import (
    Failure,
    Misconfigured,
    Oversized,
    Permanent,
    Transient,
    Unauthorized,
    Vanished,
)
from khronos.guards import limits
from khronos.guards.breakers import guarded
from khronos.media import reasons
from khronos.models import Attachment, Channel, Piece, Upload
from khronos.models.attachment import PIECE_BYTES
from khronos.models.commit import commit
from khronos.models.prepared import insert
from khronos.observability import metrics
from khronos.resilience import crashpoints
from khronos.resilience.backoff import doubled

log = logging.getLogger(__name__)

CRASHES_MAX = 2  # then it is left, before the turn that waits for it is given up
GIVE_UP_AFTER = timedelta(days=1)
WAIT_MIN_S, WAIT_MAX_S = 5.0, 300.0


class Basket:
    """Takes bytes as they come and writes them down in pieces."""

    def __init__(self, attachment: Attachment) -> None:
        self.attachment, self.number, self.size = attachment, 0, 0
        self.digest = sha256()
        self._rest = bytearray()

    def take(self, some: bytes) -> None:
        self._rest += some
        while len(self._rest) >= PIECE_BYTES:
            self._write(bytes(self._rest[:PIECE_BYTES]))
            del self._rest[:PIECE_BYTES]

    def close(self) -> None:
        if self._rest:
            self._write(bytes(self._rest))
            self._rest.clear()

    def _write(self, raw: bytes) -> None:
        self.digest.update(raw)
        self.size += len(raw)
        commit(partial(put, self.attachment, self.number, raw))
        self.number += 1
        crashpoints.reached("media.piece")


def put(attachment: Attachment, number: int, raw: bytes) -> None:
    attachment.extend(settings.MEDIA_LEASE)
    if number == 0:  # an earlier try broke off
        rows = Piece.objects.filter(attachment=attachment.pk)
        rows._raw_delete(rows.db)
    insert(Piece(attachment=attachment, number=number, raw=raw))


def fetch(attachment: Attachment, channel: Channel) -> None:
    """A claimed one: fetched or refused afterwards. Raises Transient, Unauthorized: it is due later."""
    if attachment.crashes >= CRASHES_MAX:
        return refuse(attachment, reasons.CRASHED)
    if attachment.size > settings.MEDIA_MAX_BYTES:
        return refuse(attachment, reasons.TOO_LARGE)
    transport, basket = transport_of(channel), Basket(attachment)
    if transport.brings_files:
        unpack(attachment, basket)
    else:
        download(attachment, transport, basket)


def download(attachment: Attachment, transport: Transport, basket: Basket) -> None:
    try:
        with guarded(transport.guard):
            transport.fetch(attachment.file_id, settings.MEDIA_MAX_BYTES, basket.take)
    except Vanished:
        refuse(attachment, reasons.GONE)
    except Oversized:
        refuse(attachment, reasons.TOO_LARGE)
    except Misconfigured as error:
        log.error("files cannot be fetched: %s", error)
        refuse(attachment, reasons.LOCAL)
    except (Transient, Unauthorized) as error:
        limits.heed(transport.budget, error)
        if timezone.now() - attachment.created_at > GIVE_UP_AFTER:
            return refuse(attachment, reasons.TOO_LONG_AWAY)
        put_off(attachment, error)
        raise
    except Permanent as error:
        log.warning("file refused", extra={"attachment": attachment.pk, "error": str(error)[:300]})
        refuse(attachment, reasons.NOT_GIVEN)
    else:
        basket.close()
        keep(attachment, basket)


def unpack(attachment: Attachment, basket: Basket) -> None:
    """It was stored with its message, and from now on it is the attachment's alone."""
    rows = Upload.objects.filter(update=attachment.message.update_id, number=int(attachment.file_id))
    upload = rows.first()
    if upload is None:
        return refuse(attachment, reasons.NOT_WHOLE)
    basket.take(bytes(upload.raw))
    basket.close()
    keep(attachment, basket)
    commit(partial(rows._raw_delete, rows.db))


def put_off(attachment: Attachment, error: Failure) -> None:
    wait_s = error.retry_after or doubled(WAIT_MIN_S, attachment.deferrals, WAIT_MAX_S)
    later = partial(
        attachment.defer, Attachment.State.WAITING, timedelta(seconds=wait_s), str(error), holder=""
    )
    commit(later)


def keep(attachment: Attachment, basket: Basket) -> None:
    facts = {"size": basket.size, "sha256": basket.digest.hexdigest(), "fetched_at": Now()}
    state = Attachment.State.FETCHED if basket.size else Attachment.State.REFUSED
    settle(attachment, state, "" if basket.size else reasons.EMPTY, **facts)


def refuse(attachment: Attachment, reason: str) -> None:
    settle(attachment, Attachment.State.REFUSED, reason)


def settle(attachment: Attachment, state: Attachment.State, reason: str, **facts: object) -> None:
    commit(partial(attachment.settle, state, reason, **facts))
    attachment.refresh_from_db()
    metrics.ATTACHMENTS.labels(kind=attachment.kind, state=state).inc()
