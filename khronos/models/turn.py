"""A turn is all that a contact said since the last answer, and the work of answering it.

The database itself holds the order: a conversation has at most one turn that collects messages and at
most one that is under way (two partial unique indexes), however many workers there are. A parked turn
is under way: what its contact says meanwhile is answered after it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from khronos.models.conversation import Conversation
from khronos.models.pause import Pause
from khronos.models.traced import Traced
from khronos.models.work import Work, WorkQuerySet

if TYPE_CHECKING:
    from khronos.models.usage import Usage


BUDGET = "budget."  # how the reason of a turn begins that waits for money


class TurnQuerySet(WorkQuerySet["Turn"]):
    def due(self) -> "TurnQuerySet":
        """Not while another turn of the conversation is under way, nor while it is paused."""
        others = Turn.objects.exclude(pk=OuterRef("pk")).filter(
            conversation=OuterRef("conversation"), state__in=Turn.UNDER_WAY
        )
        held = Pause.objects.holding(Pause.Queue.AGENT)
        return super().due().exclude(Exists(others)).exclude(Exists(held))

    def waiting_for_budget(self) -> "TurnQuerySet":
        return self.unsettled().filter(state=Turn.State.PARKED, reason__startswith=BUDGET)

    def claim(self, pk: int, lease: timedelta, *related: str, **changes: Any) -> "Turn | None":
        """Raises IntegrityError where another turn of the conversation was taken between look and write."""
        return super().claim(pk, lease, *related, state=Turn.State.WORKING, amended=False, **changes)


class Turn(Traced, Work):
    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        WORKING = "working", _("being answered")
        PARKED = "parked", _("parked")
        ANSWERED = "answered", _("answered")
        SILENT = "silent", _("needed no answer")
        BURIED = "buried", _("given up")

    UNDER_WAY = (State.WORKING, State.PARKED)

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="turns", verbose_name=_("conversation")
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    amended = models.BooleanField(
        _("amended"), default=False, help_text=_("A message was edited while it was being answered.")
    )
    apologised = models.BooleanField(_("told to wait"), default=False)
    provider = models.CharField(_("provider"), max_length=30, blank=True)
    model = models.CharField(_("model"), max_length=100, blank=True)
    input_tokens = models.PositiveIntegerField(_("tokens in"), default=0)
    output_tokens = models.PositiveIntegerField(_("tokens out"), default=0)
    thinking_ms = models.PositiveIntegerField(_("thinking, ms"), default=0)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)

    objects = TurnQuerySet.as_manager()

    asked_at: datetime | None = None  # when the first of its messages arrived, for who has read them
    paid: "Sequence[Usage]" = ()  # what this try has asked of models (khronos/usage/charging.py)

    class Meta:
        verbose_name = _("turn")
        verbose_name_plural = _("turns")
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"], condition=models.Q(state="waiting"), name="one_turn_collects"
            ),
            models.UniqueConstraint(
                fields=["conversation"],
                condition=models.Q(state__in=["working", "parked"]),
                name="one_turn_is_under_way",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="turn_due", condition=models.Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.pk}"
