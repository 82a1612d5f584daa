"""Who answers: an assistant of a tenant, with its words, its models and its tools (docs/agents.md)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

ASSISTANT = "assistant"  # the one that every tenant begins with


class Agent(models.Model):
    class Language(models.TextChoices):
        THEIRS = "", _("that of the contact")
        ENGLISH = "en", _("English")
        PORTUGUESE = "pt", _("Portuguese")

    tenant = models.ForeignKey(
        "khronos.Tenant", models.CASCADE, related_name="agents", verbose_name=_("tenant")
    )
    slug = models.SlugField(_("slug"), default=ASSISTANT)
    name = models.CharField(_("name"), max_length=200, default="Assistant")
    instructions = models.TextField(
        _("instructions"), blank=True, help_text=_("What the assistant is told about itself and its work.")
    )
    providers = models.JSONField(
        _("providers"), default=list, blank=True, help_text=_("Order of model providers; empty: the default.")
    )
    model_by_provider = models.JSONField(
        _("models"), default=dict, blank=True, help_text=_("What is not here is as the environment says.")
    )
    language = models.CharField(
        _("language"), max_length=2, choices=Language.choices, default=Language.THEIRS, blank=True
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Switched off, the tenant's default answers in its place.")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("agent")
        verbose_name_plural = _("agents")
        constraints = [models.UniqueConstraint(fields=["tenant", "slug"], name="agent_once_per_tenant")]

    def __str__(self) -> str:
        return self.name
