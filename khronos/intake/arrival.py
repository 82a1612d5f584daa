"""What intake knows of an update before anybody has understood it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from uuid import UUID

from khronos.channels import kind_of
from khronos.channels.base import KEY_MAX, Identity, digest, unknown
from khronos.models import Channel, contact_id, conversation_id
from khronos.observability.steps import Ids

log = logging.getLogger(__name__)

NO_FILES: Mapping[int, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Arrival:
    channel: Channel
    key: str
    raw: bytes
    ids: Ids
    marker: str  # how Redis knows it
    conversation_id: UUID | None
    customer_id: UUID | None
    files: Mapping[int, bytes] = NO_FILES  # that came within it, by number


def arrived(channel: Channel, raw: bytes, ids: Ids, files: Mapping[int, bytes] = NO_FILES) -> Arrival:
    identity = identified(channel, raw)
    return Arrival(
        channel,
        identity.key,
        raw,
        ids,
        marker_of(channel, identity.key),
        conversation_id(channel.pk, identity.chat) if identity.chat is not None else None,
        contact_id(channel.pk, identity.sender) if identity.sender is not None else None,
        files,
    )


def identified(channel: Channel, raw: bytes) -> Identity:
    """A kind that fails here would have its service send the same again for ever."""
    try:
        found = kind_of(channel.kind).identify(raw)
        return found if len(found.key) <= KEY_MAX else replace(found, key=digest(found.key.encode()))
    except Exception:
        log.exception("an update has no identity", extra={"channel": channel.slug})
        return unknown(raw)


def marker_of(channel: Channel, key: str) -> str:
    born = int(channel.created_at.timestamp())  # another database is another world
    return f"seen:{channel.pk}:{born}:{key}"
