"""The bytes of files go after MEDIA_KEPT_DAYS; what was understood of them stays."""

import time
from functools import partial

from django.conf import settings
from django.db.models.functions import Now

from khronos.models import Attachment, Piece
from khronos.models.commit import commit
from khronos.models.update import FORGET_FOR_S

SLICE = 5  # files a transaction: each may be twenty pieces of a megabyte


def forget_old(most_s: float = FORGET_FOR_S) -> int:
    """Slice by slice, each its own transaction."""
    until = time.monotonic() + most_s
    old = Attachment.objects.filter(fetched_at__lt=Now() - settings.MEDIA_KEPT, forgotten_at=None)
    forgotten = 0
    while ids := list(old.order_by("fetched_at").values_list("pk", flat=True)[:SLICE]):
        forgotten += commit(partial(forget, ids))
        if len(ids) < SLICE or time.monotonic() >= until:
            break
    return forgotten


def forget(ids: list[int]) -> int:
    pieces = Piece.objects.filter(attachment__in=ids)
    pieces._raw_delete(pieces.db)
    return Attachment.objects.filter(pk__in=ids).update(forgotten_at=Now())
