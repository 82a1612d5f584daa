"""A pause holds back the work of a tenant, a channel, a conversation or a whole queue. No row, no pause.

What is held back is not due (`due()` of turns and deliveries): who takes, sweeps or rings need not know.
"""

from typing import Any, Self

from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from khronos.models.channel import Channel
from khronos.models.conversation import Conversation
from khronos.models.tenant import Tenant

type Pausable = Tenant | Channel | Conversation | str  # the text is a queue's name

SUBJECTS = ("queue", "tenant", "channel", "conversation")


class PauseQuerySet(models.QuerySet["Pause"]):
    def of(self, what: Pausable) -> Self:
        return self.filter(**subject(what))

    def known(self) -> Self:
        """With what their names are made of."""
        return self.select_related("tenant", "channel", "conversation")

    def holding(self, queue: str, conversation: str = "conversation") -> Self:
        """Those that hold back a row of this queue, for `Exists`; the row's field names its conversation.

        No join: it would make a claim read the row twice, and without a pause nothing at all is looked for.
        """
        talk = Conversation.objects.filter(pk=OuterRef(OuterRef(conversation)))
        held = Q(queue=queue)
        for noun in HELD_BY[queue]:
            own = OuterRef(conversation) if noun == "conversation" else Subquery(talk.values(noun))
            held |= Q(**{noun: own})
        return self.filter(held)

    def over(self, conversation: Conversation) -> Self:
        """All that concern this conversation, a queue's too."""
        return self.filter(
            Q(queue__isnull=False)
            | Q(tenant=conversation.tenant_id)
            | Q(channel=conversation.channel_id)
            | Q(conversation=conversation.pk)
        )


def subject(what: Pausable) -> dict[str, Any]:
    return {"queue" if isinstance(what, str) else str(what._meta.model_name): what}


def one_of(*names: str) -> Q:
    """Exactly one of these columns is set."""
    each = [Q(**{f"{name}__isnull": name != chosen for name in names}) for chosen in names]
    return Q(*each, _connector=Q.OR)


class Pause(models.Model):
    class Queue(models.TextChoices):
        """By the names that Celery knows."""

        AGENT = "agent.ai", _("agent.ai: answering")
        DELIVERY = "delivery", _("delivery: sending")
        EMBEDDINGS = "embeddings", _("embeddings: reading documents")

    queue = models.CharField(
        _("queue"), max_length=20, choices=Queue.choices, null=True, blank=True, unique=True
    )
    tenant = models.OneToOneField(
        Tenant, models.CASCADE, null=True, blank=True, related_name="pause", verbose_name=_("tenant")
    )
    channel = models.OneToOneField(
        Channel, models.CASCADE, null=True, blank=True, related_name="pause", verbose_name=_("channel")
    )
    conversation = models.OneToOneField(
        Conversation,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="pause",
        verbose_name=_("conversation"),
    )
    by = models.CharField(_("paused by"), max_length=150)
    paused_at = models.DateTimeField(_("paused"), db_default=Now())

    objects = PauseQuerySet.as_manager()

    class Meta:
        verbose_name = _("pause")
        verbose_name_plural = _("pauses")
        constraints = [models.CheckConstraint(condition=one_of(*SUBJECTS), name="a_pause_is_of_one_thing")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def kind(self) -> str:
        return next(name for name in SUBJECTS if getattr(self, name, None) is not None)

    @property
    def subject(self) -> Pausable:
        what: Pausable = getattr(self, self.kind)
        return what

    @property
    def name(self) -> str:
        """As a command takes it."""
        what = self.subject
        if isinstance(what, Conversation):
            return str(what.pk)
        return what if isinstance(what, str) else what.slug


# Whose pause holds back the rows of a queue. An answer that is written already is still sent in a paused
# conversation: it was under way, or a person wrote it.
HELD_BY: dict[str, tuple[str, ...]] = {
    Pause.Queue.AGENT: ("tenant", "channel", "conversation"),
    Pause.Queue.DELIVERY: ("tenant", "channel"),
}
