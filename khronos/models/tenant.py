"""A tenant owns agents, channels, queues, contacts and conversations; nothing crosses."""

from typing import Any

from django.core.validators import MinValueValidator
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from khronos.models.agent import Agent


class Tenant(models.Model):
    slug = models.SlugField(_("slug"), unique=True)
    name = models.CharField(_("name"), max_length=200)
    default_agent = models.ForeignKey(
        Agent,
        models.RESTRICT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("default agent"),
        help_text=_("Answers on every channel that names no other."),
    )
    reuses_answers = models.BooleanField(
        _("reuse answers"),
        default=False,
        help_text=_("The same question at the same point of a talk gets the same answer for an hour."),
    )
    names_sources = models.BooleanField(
        _("name sources"),
        default=True,
        help_text=_("An answer says which documents it is from. They are kept with it in any case."),
    )
    monthly_budget = models.DecimalField(
        _("monthly budget"),
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_(
            "For models, in US dollars. At 80 % you are warned, at 100 % questions wait for the next month "
            "(of UTC) or a higher budget. 0: no limit; empty: MONTHLY_BUDGET of the environment."
        ),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A new one has an agent to begin with."""
        with transaction.atomic():
            is_new = self._state.adding
            super().save(*args, **kwargs)
            if is_new and self.default_agent is None:
                self.default_agent = self.agents.create()
                super().save(update_fields=["default_agent"])

    @property
    def agent(self) -> Agent:
        """Its default; `save` has seen to it that there is one."""
        return self.default_agent or Agent(tenant=self)
