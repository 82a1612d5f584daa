"""Accept an update: store its bytes, and ring. Every channel ends here (docs/intake.md).

The row is committed before anybody hears that the update was accepted. Requests that arrive together
are committed together, and one round trip rings the bus for all of them.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from khronos.database import give_back, in_time, until_deadline
from khronos.intake import bell, repeats
from khronos.intake.arrival import NO_FILES, Arrival, arrived
from khronos.models import Channel, Update, Upload
from khronos.models.commit import first
from khronos.models.prepared import insert_all
from khronos.observability.steps import Facts, Ids, happened, since_ms, step
from khronos.observability.tracing import made
from khronos.resilience import crashpoints
from khronos.resilience.groupcommit import GroupCommit


@dataclass(frozen=True, slots=True)
class Receipt:
    trace_id: str
    update_id: int | None  # None: it was here already

    @property
    def is_new(self) -> bool:
        return self.update_id is not None


def accept(
    channel: Channel, raw: bytes, ids: Ids | None = None, files: Mapping[int, bytes] = NO_FILES
) -> Receipt:
    give_back()
    arrival = arrived(channel, raw, ids or made(), files)
    with step("message.received", named=True, **told(arrival)) as this:
        receipt = _pen.submit(arrival)
        this.add(update=receipt.update_id, is_new=receipt.is_new)
    return receipt


def accept_all(channel: Channel, raws: Sequence[bytes], correlation_id: str | None = None) -> list[Receipt]:
    """Many at once, in their order and in one transaction: all of them are stored, or none.

    Each has a trace of its own; what they share is the id of the request that brought them.
    """
    began = time.perf_counter()
    arrivals = [arrived(channel, raw, made() | {"correlation_id": correlation_id}) for raw in raws]
    receipts = store(arrivals)
    took_ms = since_ms(began)
    for arrival, receipt in zip(arrivals, receipts, strict=True):
        found = told(arrival) | {"update": receipt.update_id, "is_new": receipt.is_new}
        happened("message.received", duration_ms=took_ms, **found)
    return receipts


def told(arrival: Arrival) -> Facts:
    return {
        **arrival.ids,
        "channel": arrival.channel.slug,
        "conversation": arrival.conversation_id,
        "user_id": arrival.customer_id,
    }


def store(arrivals: Sequence[Arrival]) -> list[Receipt]:
    in_time()  # whoever waited for the pen too long fails at once, not after a wait of his own
    seen = bell.seen(arrivals)
    new = {arrival.marker: arrival for arrival in reversed(arrivals) if arrival.marker not in seen}
    crashpoints.reached("intake.received")
    stored = insert(list(new.values())[::-1])
    crashpoints.reached("intake.stored")
    bell.ring([(new[marker], update_id) for marker, update_id in stored.items()])
    crashpoints.reached("intake.rung")
    receipts = []
    for arrival in arrivals:
        is_first = new.get(arrival.marker) is arrival
        receipts.append(Receipt(arrival.ids["trace_id"], stored.get(arrival.marker) if is_first else None))
    repeats.count([each for each, receipt in zip(arrivals, receipts, strict=True) if not receipt.is_new])
    return receipts


def insert(arrivals: Sequence[Arrival]) -> dict[str, int]:
    """One statement for all, its own transaction where no files came. Answers the new rows' ids by marker."""
    if not arrivals:
        return {}
    fields: list[Any] = [Update._meta.get_field(name) for name in COLUMNS]
    values = [
        field.get_db_prep_save(value, connection)
        for each in arrivals
        for field, value in zip(fields, stored_of(each), strict=True)
    ]
    rows = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * len(arrivals))
    names = ", ".join(str(field.column) for field in fields)
    together = transaction.atomic() if any(each.files for each in arrivals) else nullcontext()
    with first(), until_deadline(), together, connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Update._meta.db_table} ({names}) VALUES {rows}"  # noqa: S608 - names of our own columns
            " ON CONFLICT (channel_id, key) DO NOTHING RETURNING id, channel_id, key",
            values,
        )
        ids = {(channel, key): pk for pk, channel, key in cursor.fetchall()}
        stored = [
            (each, ids[each.channel.pk, each.key]) for each in arrivals if (each.channel.pk, each.key) in ids
        ]
        insert_all(
            Upload(update_id=pk, number=number, raw=raw)
            for each, pk in stored
            for number, raw in each.files.items()
        )
    return {each.marker: pk for each, pk in stored}


def stored_of(arrival: Arrival) -> tuple[Any, ...]:
    known = arrival.channel.pk, arrival.key, arrival.raw, arrival.conversation_id
    return *known, arrival.ids["trace_id"], arrival.ids["correlation_id"]


COLUMNS = ("channel", "key", "raw", "conversation_id", "trace_id", "correlation_id")

_pen: GroupCommit[Arrival, Receipt] = GroupCommit(store, most=64)
