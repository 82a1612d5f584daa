"""A file that came within its message: here until it is an attachment's (docs/media.md).

Beside the update and not in it, so that whoever reads a batch of updates reads no files.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from khronos.models.update import Update


class Upload(models.Model):
    update = models.ForeignKey(
        Update, models.CASCADE, related_name="uploads", verbose_name=_("update"), db_index=False
    )
    number = models.PositiveIntegerField()  # among the message's files
    raw = models.BinaryField()

    class Meta:
        verbose_name = _("file within a message")
        verbose_name_plural = _("files within messages")
        constraints = [models.UniqueConstraint(fields=["update", "number"], name="an_upload_is_there_once")]

    def __str__(self) -> str:
        return f"{self.update_id}/{self.number}"
