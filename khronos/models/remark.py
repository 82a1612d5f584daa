"""What an operator writes about a conversation for colleagues. Never sent, never told to a model."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from khronos.models.conversation import Conversation


class Remark(models.Model):
    """A table of its own: whatever reads messages cannot come upon it."""

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="remarks", verbose_name=_("conversation"), db_index=False
    )
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("operator")
    )
    text = models.TextField(_("text"))
    token = models.CharField(max_length=100, unique=True, help_text=_("The same note is kept once."))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        indexes = [models.Index(fields=["conversation", "id"], name="remark_timeline")]

    def __str__(self) -> str:
        return f"{self.pk}"
