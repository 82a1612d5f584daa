"""The rows that every installation has: a tenant, a queue of people, the channels of the environment."""

import secrets

from django.conf import settings
from django.db import transaction

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
    if settings.TELEGRAM_BOT_TOKEN:
        follow_environment(tenant, screen)


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
