"""Which tools the assistant may call, and those that are services of others (docs/tools.md)."""

from typing import Self

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from khronos.models.agent import Agent
from khronos.models.sealing import seal, unseal
from khronos.models.tenant import Tenant

NAME = RegexValidator(
    r"^[a-z][a-z0-9_]{1,39}\Z", _("Small letters, digits and underscores, 2 to 40 of them.")
)


class Confirmation(models.TextChoices):
    """Who has to say yes to the very arguments of a call before it is made."""

    NOBODY = "", _("as the tool says")
    CONTACT = "contact", _("the contact")
    OPERATOR = "operator", _("an operator")


class GrantQuerySet(models.QuerySet["ToolGrant"]):
    def of(self, tenant_id: int, agent_id: int) -> Self:
        whose = Q(agent=None) | Q(agent=agent_id)
        return self.filter(whose, tenant=tenant_id, is_active=True).order_by("pk")


class ToolGrant(models.Model):
    """Without such a row no assistant reaches a tool, whatever anybody writes to it."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="tool_grants", verbose_name=_("tenant"))
    agent = models.ForeignKey(
        Agent,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="tool_grants",
        verbose_name=_("agent"),
        help_text=_("This one alone; empty: all agents of the tenant."),
    )
    tool = models.CharField(_("tool"), max_length=40)
    confirmation = models.CharField(
        _("confirmed by"),
        max_length=10,
        choices=Confirmation.choices,
        default=Confirmation.NOBODY,
        blank=True,
        help_text=_("More than the tool itself asks for; never less."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("granted tool")
        verbose_name_plural = _("granted tools")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "agent", "tool"], name="granted_once_to_an_agent"),
            models.UniqueConstraint(
                fields=["tenant", "tool"], condition=Q(agent=None), name="granted_once_to_all_agents"
            ),
        ]

    def __str__(self) -> str:
        return self.tool


class HttpTool(models.Model):
    """A service of somebody else's, described so that a model can call it."""

    class Method(models.TextChoices):
        GET = "GET", "GET"
        POST = "POST", "POST"
        PUT = "PUT", "PUT"
        PATCH = "PATCH", "PATCH"
        DELETE = "DELETE", "DELETE"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="http_tools", verbose_name=_("tenant"))
    name = models.CharField(_("name"), max_length=40, validators=[NAME])
    description = models.TextField(
        _("description"), help_text=_("What it does and when to use it, in words for the model.")
    )
    method = models.CharField(_("method"), max_length=6, choices=Method.choices, default=Method.GET)
    url = models.CharField(
        _("address"),
        max_length=500,
        help_text=_("Such as https://erp.example/orders/{number}?for={turn_contact}; arguments fill it in."),
    )
    sealed_headers = models.TextField(blank=True, default="", editable=False)
    takes = models.JSONField(_("arguments"), default=dict, help_text=_("JSON Schema of an object."))
    gives = models.JSONField(
        _("answer"), default=dict, blank=True, help_text=_("JSON Schema; empty: any JSON.")
    )
    side_effects = models.BooleanField(
        _("changes something"), default=True, help_text=_("Then it is never called twice for one wish.")
    )
    confirmation = models.CharField(
        _("confirmed by"),
        max_length=10,
        choices=Confirmation.choices,
        default=Confirmation.NOBODY,
        blank=True,
    )
    is_personal = models.BooleanField(
        _("about the contact"), default=True, help_text=_("Then it is not offered in groups.")
    )
    is_cacheable = models.BooleanField(
        _("may be remembered"),
        default=False,
        help_text=_("The same answer to the same arguments, for minutes."),
    )
    timeout_s = models.FloatField(
        _("timeout (s)"), default=10.0, validators=[MinValueValidator(0.5), MaxValueValidator(20.0)]
    )
    per_minute = models.PositiveIntegerField(_("calls a minute"), default=60)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("HTTP tool")
        verbose_name_plural = _("HTTP tools")
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="http_tool_once_per_tenant")]

    def __str__(self) -> str:
        return self.name

    @property
    def guard(self) -> str:
        """Its breaker."""
        return f"tool:{self.tenant_id}.{self.name}"

    @property
    def headers(self) -> str:
        """One a line, `Name: value`. Raises Unauthorized where another key sealed them."""
        return unseal(self.sealed_headers)

    @headers.setter
    def headers(self, text: str) -> None:
        self.sealed_headers = seal(text)
