"""A channel is one address that people write to: a Telegram bot, a site's chat."""

from collections.abc import Collection
from typing import Any, Self

from django.core.validators import URLValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from khronos.models.agent import Agent
from khronos.models.queue import Queue
from khronos.models.tenant import Tenant
from khronos.observability.secrecy import learn


class ChannelQuerySet(models.QuerySet["Channel"]):
    def listening(self) -> Self:
        return self.filter(is_active=True).select_related("tenant", "queue")

    def bots(self) -> Self:
        """Of Telegram, that can be spoken for."""
        return self.listening().filter(kind="telegram").exclude(token="")


class Channel(models.Model):
    class Routing(models.TextChoices):
        BOT = "bot", _("the assistant")
        QUEUE = "queue", _("a queue of people")
        TRIAGE = "triage", _("triage decides")

    class DeliveryMode(models.TextChoices):
        SEND = "send", _("send: one message, a repeat is possible after a crash while sending")
        EDIT = "edit", _("edit: a placeholder is filled in, never a repeat")

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="channels", verbose_name=_("tenant"))
    slug = models.SlugField(_("slug"), unique=True)
    kind = models.CharField(_("kind"), max_length=20)
    name = models.CharField(_("name"), max_length=200)
    token = models.CharField(_("token"), max_length=200, blank=True)
    secret = models.CharField(
        _("webhook secret"),
        max_length=256,
        blank=True,
        help_text=_(
            "A changed one is told to Telegram within five minutes; "
            "the one before it becomes the previous secret."
        ),
    )
    previous_secret = models.CharField(
        _("previous secret"),
        max_length=256,
        blank=True,
        help_text=_("Accepted beside the secret until it is forgotten."),
    )
    registered = models.CharField(
        _("registered webhook"),
        max_length=32,
        blank=True,
        editable=False,
        help_text=_("A fingerprint of what Telegram was told last."),
    )
    username = models.CharField(_("bot's user name"), max_length=100, blank=True)
    callback_url = models.CharField(
        _("callback address"), max_length=200, blank=True, validators=[URLValidator(["http", "https"])]
    )
    delivery_mode = models.CharField(
        _("delivery"), max_length=10, choices=DeliveryMode.choices, default=DeliveryMode.SEND
    )
    routing = models.CharField(_("routing"), max_length=10, choices=Routing.choices, default=Routing.BOT)
    queue = models.ForeignKey(
        Queue, models.SET_NULL, null=True, blank=True, related_name="channels", verbose_name=_("queue")
    )
    agent = models.ForeignKey(
        Agent,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="channels",
        verbose_name=_("agent"),
        help_text=_("Who answers here; empty: the tenant's default."),
    )
    options = models.JSONField(
        _("options"),
        default=dict,
        blank=True,
        help_text=_("JSON: what this kind of channel asks for beside these."),
    )
    polling_offset = models.BigIntegerField(_("polling offset"), default=0)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.keep_secret()
        super().save(*args, **kwargs)

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], **rest: Any
    ) -> Self:
        row = super().from_db(db, field_names, values, **rest)
        row.keep_secret()
        return row

    def keep_secret(self) -> None:
        """Of this process's logs, from now on. A column that was not read is not asked for."""
        known = vars(self)
        learn(*(known.get(name) or "" for name in ("token", "secret", "previous_secret")))

    @property
    def secrets(self) -> list[str]:
        """The valid ones; an empty secret is none, it would admit everyone."""
        return [secret for secret in (self.secret, self.previous_secret) if secret]
