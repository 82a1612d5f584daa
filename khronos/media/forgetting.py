"""The bytes of files go after MEDIA_KEPT_DAYS; what was understood of them stays."""

from django.conf import settings
from django.db.models.functions import Now

from khronos.models import Attachment, Piece
from khronos.models.forgetting import forget_slices

SLICE = 5  # files a transaction: each may be twenty pieces of a megabyte


def forget_old() -> int:
    old = Attachment.objects.filter(fetched_at__lt=Now() - settings.MEDIA_KEPT, forgotten_at=None)
    return forget_slices(old, "fetched_at", forget, most=SLICE)


def forget(ids: list[int]) -> int:
    pieces = Piece.objects.filter(attachment__in=ids)
    pieces._raw_delete(pieces.db)
    return Attachment.objects.filter(pk__in=ids).update(forgotten_at=Now())
