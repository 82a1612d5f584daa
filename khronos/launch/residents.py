"""The rows that every installation has: a tenant, its agents and queue, the channels of the environment."""

import secrets

from django.conf import settings
from django.db import transaction

from khronos.agents import blueprint
from khronos.knowledge import example
from khronos.launch.screen import Screen
from khronos.models import Channel, Queue, Tenant


@transaction.atomic
def settle(screen: Screen) -> None:
    tenant, is_new = Tenant.objects.get_or_create(slug="default", defaults={"name": "Default"})
    Queue.objects.get_or_create(
        tenant=tenant, slug="support", defaults={"name": "Support", "is_default": not has_default(tenant)}
    )
    Channel.objects.get_or_create(
        slug="chat",
        defaults={"tenant": tenant, "kind": "web", "name": "Chat page", "secret": secrets.token_urlsafe(36)},
    )
    if is_new:
        screen.done("Made the tenant default, its queue support and the channel chat")
    if is_new and settings.KNOWLEDGE_EXAMPLE:
        example.put_in(tenant)
        screen.done("Put in an example to ask about, the shop Aurora (`manage.py knowledge example remove`)")
    for slug in sorted({agent.slug for agent in blueprint.put_in(*Tenant.objects.all())}):
        screen.done(f"Put in the agent {slug}, switched off (/admin/khronos/agent/)")
    if settings.TELEGRAM_BOT_TOKEN:
        follow_environment(tenant, screen)
    elif not settings.PUBLIC_URL:
        warn_of_the_unheard(screen)


def has_default(tenant: Tenant) -> bool:
    return tenant.queues.filter(is_default=True).exists()


def follow_environment(tenant: Tenant, screen: Screen) -> None:
    """The channel `default` is as the environment says. A changed secret stays valid beside the new."""
    wanted = {
        "token": settings.TELEGRAM_BOT_TOKEN,
        "secret": settings.TELEGRAM_WEBHOOK_SECRET,
        "delivery_mode": settings.TELEGRAM_DELIVERY_MODE,
    }
    channel, is_new = Channel.objects.get_or_create(
        slug="default", defaults={"tenant": tenant, "kind": "telegram", "name": "Telegram", **wanted}
    )
    changed = {name for name, value in wanted.items() if getattr(channel, name) != value}
    if "secret" in changed and channel.secret:
        channel.previous_secret = channel.secret
    if changed:
        for name, value in wanted.items():
            setattr(channel, name, value)
        channel.save()
    if is_new or changed:
        what = "Made" if is_new else f"Changed {', '.join(sorted(changed))} of"
        screen.done(f"{what} the Telegram channel default")


def warn_of_the_unheard(screen: Screen) -> None:
    """The poller runs where the environment has a token: a channel that is left without it hears nothing."""
    for slug in Channel.objects.listening().filter(kind="telegram").values_list("slug", flat=True):
        screen.warn(
            f"Nobody asks Telegram for messages to the channel {slug}: set TELEGRAM_BOT_TOKEN or "
            "PUBLIC_URL, or switch it off (/admin/khronos/channel/)"
        )
