"""The channels that there are, and those laid beside them (docs/channels.md)."""

from functools import lru_cache
from importlib import import_module

from khronos import extensions
from khronos.channels.base import Account, Kind, Transport
from khronos.models import Channel

KINDS = {
    "telegram": "khronos.channels.telegram",
    "web": "khronos.channels.web",
}


def kinds() -> list[str]:
    return [*KINDS, *extensions.names("channels")]


@lru_cache
def kind_of(name: str) -> Kind:
    if name in KINDS:
        kind: Kind = import_module(KINDS[name]).KIND
    else:
        kind = extensions.named("channels", name, "KIND", "end it with KIND = … (docs/channels.md).")
    return kind


def account_of(channel: Channel) -> Account:
    return Account(
        slug=channel.slug,
        token=channel.token,
        secret=channel.secret,
        username=channel.username,
        options=channel.options | {"callback_url": channel.callback_url},
    )


def transport_of(channel: Channel) -> Transport:
    return kind_of(channel.kind).transport(account_of(channel))
