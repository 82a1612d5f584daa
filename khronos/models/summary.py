"""What was said in a conversation before the history that the model is told; work of the background.

waiting ─► working ─► ready ─► waiting (there is more to be summed up) …
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from khronos.models.conversation import Conversation
from khronos.models.prepared import insert_once
from khronos.models.work import Work, WorkQuerySet

if TYPE_CHECKING:
    from khronos.models.usage import Usage


class SummaryQuerySet(WorkQuerySet["Summary"]):
    def claim(self, pk: int, *args: Any, **changes: Any) -> "Summary | None":
        return super().claim(pk, *args, state=Summary.State.WORKING, **changes)

    def want(self, conversation: UUID, to: int) -> None:
        """All that was said up to this message. One that is due or under way takes in the rest later."""
        if insert_once(Summary(conversation_id=conversation, wanted_to=to)):
            return
        settled = self.filter(conversation=conversation, due_at=None, told_to__lt=to)
        settled.update(
            state=Summary.State.WAITING,
            wanted_to=to,
            due_at=Now(),
            fence=F("fence") + 1,
            attempts=0,
            deferrals=0,
        )


class Summary(Work):
    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        WORKING = "working", _("being written")
        READY = "ready", _("ready")

    conversation = models.OneToOneField(
        Conversation, models.CASCADE, related_name="summary", verbose_name=_("conversation")
    )
    text = models.TextField(_("text"), blank=True, default="")
    told_to = models.BigIntegerField(_("up to message"), default=0)
    wanted_to = models.BigIntegerField(_("wanted up to message"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    model = models.CharField(_("model"), max_length=100, blank=True, default="")
    written_at = models.DateTimeField(_("written"), null=True, blank=True)

    objects = SummaryQuerySet.as_manager()

    paid: "Sequence[Usage]" = ()  # what this try has asked of models (khronos/usage/charging.py)

    class Meta:
        verbose_name = _("summary")
        verbose_name_plural = _("summaries")
        indexes = [
            models.Index(fields=["due_at"], name="summary_due", condition=models.Q(due_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
