"""Facts: kept in the database with the change that they tell of, then told on the bus.

The wire form has the same fields for every event; the stream is named after the event's type.
"""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from khronos.models import Conversation, Event
from khronos.models.prepared import insert, insert_all
from khronos.observability.steps import Ids

type Wire = dict[Any, Any]

RECEIVED = "received:"


def make(
    type_: str,
    *,
    key: str,
    trace_id: str,
    correlation_id: str | None = None,
    payload: dict[str, Any],
    conversation: Conversation | None = None,
    tenant_id: int | None = None,
    conversation_id: uuid.UUID | None = None,
    customer_id: uuid.UUID | None = None,
) -> Event:
    """`key` says which fact it is: the same fact is stored once, however often it is told."""
    return Event(
        event_id=id_of(key),
        type=type_,
        trace_id=trace_id,
        correlation_id=correlation_id,
        tenant_id=conversation.tenant_id if conversation else tenant_id,
        conversation_id=conversation.pk if conversation else conversation_id,
        customer_id=conversation.contact_id if conversation else customer_id,
        idempotency_key=key,
        timestamp=datetime.now(UTC),
        payload=payload,
    )


def record(events: Iterable[Event]) -> None:
    """Store them in the transaction of the change; the relay publishes them."""
    rows = list(events)
    if len(rows) == 1:
        insert(rows[0], unless_there=True)
    else:
        insert_all(rows, unless_there=True)


def received(update: int) -> str:
    """The key of the fact that this update arrived: an entry on the bus rings for its row."""
    return f"{RECEIVED}{update}"


def update_of(key: str) -> int | None:
    """The row that an entry with this key rings for; one that names none rings for nothing."""
    number = key.removeprefix(RECEIVED)
    is_number = number != key and number.isascii() and number.isdecimal() and len(number) < 19
    return int(number) if is_number else None


def id_of(key: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"khronos:event:{key}")


def wire(event: Event) -> Wire:
    return words(
        event.type,
        event.idempotency_key,
        event.ids,
        (event.tenant_id, event.conversation_id, event.customer_id),
        event.timestamp,
        event.payload,
        event.event_id,
    )


def words(
    type_: str,
    key: str,
    ids: Ids,
    of: tuple[int | None, uuid.UUID | None, uuid.UUID | None],
    timestamp: datetime,
    payload: dict[str, Any],
    event_id: uuid.UUID,
) -> Wire:
    """The wire form; `of` is tenant, conversation and customer."""
    tenant_id, conversation_id, customer_id = of
    told = {
        "event": type_,
        "event_id": str(event_id),
        "trace_id": ids["trace_id"],
        "tenant_id": text(tenant_id),
        "conversation_id": text(conversation_id),
        "customer_id": text(customer_id),
        "idempotency_key": key,
        "timestamp": timestamp.isoformat(),
        "payload": orjson.dumps(payload),
    }
    return told | {"correlation_id": ids["correlation_id"]} if ids["correlation_id"] else told


def text(value: object) -> str:
    return "" if value is None else str(value)
