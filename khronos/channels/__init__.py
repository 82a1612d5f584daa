"""The channels that there are. A new one is a module beside these and one line here."""

from functools import lru_cache
from importlib import import_module

from khronos.channels.base import Account, Kind, Transport
from khronos.models import Channel

KINDS = {
    "telegram": "khronos.channels.telegram",
    "web": "khronos.channels.web",
}


@lru_cache
def kind_of(name: str) -> Kind:
    kind: Kind = import_module(KINDS[name]).KIND
    return kind


def account_of(channel: Channel) -> Account:
    return Account(
        slug=channel.slug,
        token=channel.token,
        secret=channel.secret,
        username=channel.username,
        options={"callback_url": channel.callback_url},
    )


def transport_of(channel: Channel) -> Transport:
    return kind_of(channel.kind).transport(account_of(channel))
