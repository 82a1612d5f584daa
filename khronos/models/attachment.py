"""A file that a contact sent: where it is to be had, what is in it, and why not (docs/media.md).

Its bytes are rows of their own, a piece each: whoever writes 20 MB in one go keeps all others waiting, and
SQLite writes a row anew, with all its bytes, whenever one of its columns changes (ADR 17).
"""

from collections.abc import Sequence
from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from khronos.models.message import Message
from khronos.models.work import Work, WorkQuerySet

PIECE_BYTES = 1024 * 1024


class AttachmentQuerySet(WorkQuerySet["Attachment"]):
    def due(self) -> "AttachmentQuerySet":
        return super().due().filter(state=Attachment.State.WAITING)

    def seize(self, pk: int, lease: timedelta) -> "Attachment | None":
        """For a turn, which does not wait until it is due; None while somebody else is at it."""
        is_free = Q(holder="") | Q(due_at__lte=Now())
        self.filter(is_free, pk=pk, state=Attachment.State.WAITING).update(due_at=Now())
        return self.claim(pk, lease)


class Attachment(Work):
    class Kind(models.TextChoices):
        PHOTO = "photo", _("photo")
        DOCUMENT = "document", _("document")
        VOICE = "voice", _("voice message")
        AUDIO = "audio", _("sound")
        VIDEO_NOTE = "video_note", _("video message")
        VIDEO = "video", _("video")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        FETCHED = "fetched", _("fetched")
        READ = "read", _("understood")
        REFUSED = "refused", _("not understood")

    SPOKEN = (Kind.VOICE, Kind.AUDIO, Kind.VIDEO_NOTE)

    message = models.ForeignKey(
        Message, models.CASCADE, related_name="attachments", verbose_name=_("message")
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    file_id = models.CharField(_("id on the channel"), max_length=300)
    file_unique_id = models.CharField(_("lasting id on the channel"), max_length=100, blank=True, default="")
    name = models.CharField(_("name"), max_length=300, blank=True, default="")
    media_type = models.CharField(
        _("type"),
        max_length=100,
        blank=True,
        default="",
        help_text=_("As its bytes say, once they are here."),
    )
    size = models.PositiveBigIntegerField(_("size (bytes)"), default=0)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True, default="")
    seconds = models.PositiveIntegerField(_("length, s"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    text = models.TextField(_("text in it"), blank=True, default="")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    fetched_at = models.DateTimeField(_("fetched"), null=True, blank=True)
    forgotten_at = models.DateTimeField(_("bytes removed"), null=True, blank=True)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        indexes = [
            models.Index(fields=["due_at"], name="attachment_due", condition=models.Q(due_at__isnull=False)),
            models.Index(
                fields=["fetched_at"],
                name="attachment_forgettable",
                condition=models.Q(fetched_at__isnull=False, forgotten_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.get_kind_display())

    @property
    def has_bytes(self) -> bool:
        return self.fetched_at is not None and self.forgotten_at is None

    def bytes(self) -> bytes:
        rows = Piece.objects.filter(attachment=self.pk).order_by("number")
        return b"".join(rows.values_list("raw", flat=True))


class Piece(models.Model):
    """Of an attachment's bytes."""

    attachment = models.ForeignKey(Attachment, models.CASCADE, related_name="pieces", db_index=False)
    number = models.PositiveIntegerField()
    raw = models.BinaryField()

    class Meta:
        verbose_name = _("piece of an attachment")
        verbose_name_plural = _("pieces of attachments")
        constraints = [models.UniqueConstraint(fields=["attachment", "number"], name="a_piece_is_there_once")]

    def __str__(self) -> str:
        return f"{self.attachment_id}/{self.number}"


def of_messages(message_ids: Sequence[int]) -> dict[int, list[Attachment]]:
    """By message, oldest first."""
    found: dict[int, list[Attachment]] = {}
    rows = Attachment.objects.filter(message__in=message_ids).order_by("pk")
    for row in rows:
        found.setdefault(row.message_id, []).append(row)
    return found
