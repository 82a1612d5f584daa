"""What a model asked of tools and what became of it: written before it is done, kept for the operator.

asked ─► pending ─► running ─► done | failed | unknown
  │         └► refused
  └► declined | expired
"""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from khronos.models.tool import Confirmation
from khronos.models.turn import Turn


class ToolRound(models.Model):
    """One answer of a model that asks for tools, or somebody's yes or no to what an earlier one asked for."""

    turn = models.ForeignKey(Turn, models.CASCADE, related_name="rounds", verbose_name=_("turn"))
    number = models.PositiveIntegerField(_("round"))
    words = models.TextField(_("words"), blank=True)
    provider = models.CharField(_("provider"), max_length=30, blank=True)
    model = models.CharField(_("model"), max_length=100, blank=True)
    input_tokens = models.PositiveIntegerField(_("tokens in"), default=0)
    output_tokens = models.PositiveIntegerField(_("tokens out"), default=0)
    thinking_ms = models.PositiveIntegerField(_("thinking, ms"), default=0)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("round of tools")
        verbose_name_plural = _("rounds of tools")
        constraints = [models.UniqueConstraint(fields=["turn", "number"], name="a_round_of_a_turn_is_one")]

    def __str__(self) -> str:
        return f"{self.turn_id}/{self.number}"


class ToolCall(models.Model):
    class State(models.TextChoices):
        ASKED = "asked", _("waits for a yes")
        PENDING = "pending", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("unknown whether it happened")
        REFUSED = "refused", _("refused")
        DECLINED = "declined", _("declined")
        EXPIRED = "expired", _("expired")

    OPEN = (State.ASKED, State.PENDING, State.RUNNING)

    turn = models.ForeignKey(
        Turn, models.CASCADE, related_name="tool_calls", verbose_name=_("turn"), help_text=_("Of who asked.")
    )
    round = models.ForeignKey(
        ToolRound,
        models.CASCADE,
        related_name="calls",
        verbose_name=_("round"),
        help_text=_("Where it runs."),
    )
    position = models.PositiveIntegerField(_("position"), default=0)
    call_id = models.CharField(_("the model's id"), max_length=100, blank=True)
    tool = models.CharField(_("tool"), max_length=64)
    arguments = models.JSONField(_("arguments"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    result = models.JSONField(_("result"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=500, blank=True)
    confirmation = models.CharField(
        _("confirmed by"),
        max_length=10,
        choices=Confirmation.choices,
        blank=True,
        default=Confirmation.NOBODY,
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    decision = models.CharField(_("decision"), max_length=3, blank=True, default="")  # yes or no
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())
    started_at = models.DateTimeField(_("begun"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    duration_ms = models.PositiveIntegerField(_("duration, ms"), default=0)
    was_remembered = models.BooleanField(_("remembered"), default=False)

    class Meta:
        verbose_name = _("tool call")
        verbose_name_plural = _("tool calls")
        constraints = [models.UniqueConstraint(fields=["round", "position"], name="a_call_of_a_round_is_one")]
        indexes = [
            models.Index(fields=["turn"], name="tool_call_asked", condition=models.Q(state="asked")),
        ]

    def __str__(self) -> str:
        return f"{self.tool} {self.pk}"
