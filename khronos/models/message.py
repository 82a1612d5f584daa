"""One thing said in a conversation, by whomever."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from khronos.models.conversation import Conversation
from khronos.models.turn import Turn
from khronos.models.update import Update


class Message(models.Model):
    class Author(models.TextChoices):
        CONTACT = "contact", _("contact")
        BOT = "bot", _("assistant")
        OPERATOR = "operator", _("operator")
        SYSTEM = "system", _("Khronos")

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="messages", verbose_name=_("conversation"), db_index=False
    )
    turn = models.ForeignKey(
        Turn, models.SET_NULL, null=True, blank=True, related_name="messages", verbose_name=_("turn")
    )
    update = models.OneToOneField(
        Update, models.SET_NULL, null=True, blank=True, related_name="message", verbose_name=_("update")
    )
    author = models.CharField(_("author"), max_length=10, choices=Author.choices)
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("operator"),
    )
    sender_name = models.CharField(_("sender"), max_length=300, blank=True)
    content = models.CharField(_("content"), max_length=20, default="text")
    text = models.TextField(_("text"), blank=True)
    media = models.JSONField(_("attachment"), default=dict, blank=True)
    sources = models.JSONField(
        _("sources"),
        null=True,
        blank=True,
        help_text=_("Passages that the answer could cite, and whether it did."),
    )
    external_id = models.CharField(_("id on the channel"), max_length=100, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    edited_at = models.DateTimeField(_("edited"), null=True, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [
            models.Index(fields=["conversation", "id"], name="message_timeline"),
            models.Index(
                fields=["conversation", "external_id"],
                name="message_external",
                condition=models.Q(author="contact"),
            ),
        ]

    def __str__(self) -> str:
        return self.text[:80]
