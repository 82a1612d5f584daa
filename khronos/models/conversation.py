"""A conversation is one chat on one channel, for as long as it lasts."""

import uuid
from datetime import timedelta
from functools import lru_cache

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from khronos.models.agent import Agent
from khronos.models.channel import Channel
from khronos.models.contact import Contact
from khronos.models.queue import Queue
from khronos.models.tenant import Tenant


@lru_cache(maxsize=4096)
def conversation_id(channel_id: int, chat_id: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"khronos:conversation:{channel_id}:{chat_id}")


WAITS = models.Q(handed_at__isnull=False)  # for a person
HELD = models.Q(operator__isnull=False)


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def waiting(self) -> "ConversationQuerySet":
        """For a person; who has waited longest is first."""
        return self.filter(WAITS).order_by("handed_at", "pk")

    def untold(self, period: timedelta) -> "ConversationQuerySet":
        """They have waited for so long, and nobody has told them so for as long."""
        before = Now() - period
        told_lately = models.Q(waiting_told_at__gt=before)
        return self.filter(WAITS, handed_at__lte=before).exclude(told_lately)

    def held_by(self, operator_id: int | None) -> "ConversationQuerySet":
        return self.filter(
            operator=operator_id,
            handler=Conversation.Handler.HUMAN,
            state=Conversation.State.OPEN,
        )


class Conversation(models.Model):
    class Handler(models.TextChoices):
        """Who answers."""

        BOT = "bot", _("the assistant")
        TRIAGE = "triage", _("triage")
        QUEUE = "queue", _("waiting for a person")
        HUMAN = "human", _("a person")

    class State(models.TextChoices):
        OPEN = "open", _("open")
        CLOSED = "closed", _("closed")

    id = models.UUIDField(primary_key=True)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="conversations", verbose_name=_("tenant"))
    channel = models.ForeignKey(
        Channel, models.CASCADE, related_name="conversations", verbose_name=_("channel")
    )
    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="conversations", verbose_name=_("contact"), null=True
    )
    chat_id = models.CharField(_("chat"), max_length=100, help_text=_("Where answers go."))
    chat_type = models.CharField(_("chat type"), max_length=20, default="private")
    title = models.CharField(_("title"), max_length=300, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    handler = models.CharField(_("answered by"), max_length=10, choices=Handler.choices, default=Handler.BOT)
    queue = models.ForeignKey(
        Queue, models.SET_NULL, null=True, blank=True, related_name="conversations", verbose_name=_("queue")
    )
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="conversations",
        verbose_name=_("operator"),
    )
    handed_at = models.DateTimeField(
        _("waits for a person"), null=True, blank=True, help_text=_("Since when, as long as nobody took it.")
    )
    acted_at = models.DateTimeField(
        _("operator's last deed"), null=True, blank=True, help_text=_("When who holds it took it or wrote.")
    )
    waiting_told_at = models.DateTimeField(
        _("told of the wait"), null=True, blank=True, help_text=_("When they were last told that they wait.")
    )
    remembers_from = models.BigIntegerField(
        _("remembers from"), default=0, help_text=_("Messages before this one were put aside by /reset.")
    )
    told_from = models.BigIntegerField(
        _("told from"),
        default=0,
        help_text=_("Messages before this one are told to the model by the summary."),
    )
    language = models.CharField(
        _("language"), max_length=10, blank=True, default="", help_text=_("In which the contact writes.")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("last message"), auto_now_add=True, db_index=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        indexes = [
            models.Index(fields=["handed_at"], name="conversation_waits", condition=WAITS),
            models.Index(fields=["queue", "handed_at"], name="conversation_waits_in_queue", condition=WAITS),
            models.Index(fields=["acted_at"], name="conversation_held", condition=HELD),
        ]
        permissions = [("take_over_conversation", _("Can take a conversation from a colleague"))]

    def __str__(self) -> str:
        return self.title or self.chat_id

    @property
    def is_with_people(self) -> bool:
        """Somebody answers, or will; the assistant is silent."""
        return self.handler in (Conversation.Handler.QUEUE, Conversation.Handler.HUMAN)

    @property
    def agent(self) -> Agent:
        """Of its channel, as long as it is switched on; else of its tenant."""
        own = self.channel.agent
        return own if own is not None and own.is_active else self.channel.tenant.agent
