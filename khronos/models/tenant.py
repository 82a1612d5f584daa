"""A tenant owns channels, queues, contacts and conversations; nothing crosses."""

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class Tenant(models.Model):
    slug = models.SlugField(_("slug"), unique=True)
    name = models.CharField(_("name"), max_length=200)
    instructions = models.TextField(
        _("instructions"), blank=True, help_text=_("What the assistant is told about itself and its work.")
    )
    providers = models.JSONField(
        _("providers"), default=list, blank=True, help_text=_("Order of model providers; empty: the default.")
    )
    reuses_answers = models.BooleanField(
        _("reuse answers"),
        default=False,
        help_text=_("The same question at the same point of a talk gets the same answer for an hour."),
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
