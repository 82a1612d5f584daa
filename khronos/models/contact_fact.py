"""Something that a contact wanted to be remembered, told to the assistant as data (docs/mind.md)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from khronos.models.contact import Contact
from khronos.models.message import Message

FACT_MAX = 200  # characters


class ContactFact(models.Model):
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="facts", verbose_name=_("contact"))
    text = models.CharField(_("what is remembered"), max_length=FACT_MAX)
    message = models.ForeignKey(
        Message,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("message"),
        help_text=_("Where it was said."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("remembered fact")
        verbose_name_plural = _("remembered facts")
        constraints = [models.UniqueConstraint(fields=["contact", "text"], name="a_fact_is_kept_once")]

    def __str__(self) -> str:
        """Logs and histories outlive what was erased: they have its number alone."""
        return f"{self.pk}"
