"""After a restore: what may have been answered after the restored moment is not answered again (ADR 13).

A note travels in the restored database, so that it is there exactly when that database is. The next start
reads it, settles, and takes it out, in one transaction.
"""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Max

from khronos.alerts import raise_alert
from khronos.backup import known
from khronos.backup.engine import Reader, engine
from khronos.channels import transport_of
from khronos.models import Channel, DeadLetter, Delivery, Message, Turn, Update
from khronos.models.deadletter import keep

log = logging.getLogger(__name__)

NOTE = "khronos_restored"
DOUBTFUL = "restore.doubtful"
LEAP = 10_000_000  # ids that the lost time may have used: ten days of a million messages
HELD = "restored: may have been answered after the restored moment"
UNKNOWN_ANSWER = "[the answer to this is not known after a restore]"
DONE = "restored: was settled after the restored moment"


@dataclass
class Aftermath:
    kept: str = ""  # where the database of before the restore is
    settled: int = 0  # had been answered: known from that database
    held: int = 0  # may have been answered: an operator decides
    resumed: int = 0  # goes on
    taken_over: int = 0  # messages of the lost time that nobody had answered


def note(until: datetime, kept: str) -> list[str]:
    """SQL that writes it."""
    return [
        f"DROP TABLE IF EXISTS {NOTE}",
        f"CREATE TABLE {NOTE} (until varchar(40), kept varchar(1000))",
        f"INSERT INTO {NOTE} VALUES ('{until.isoformat()}', '{kept.replace(chr(39), chr(39) * 2)}')",
    ]


def is_noted() -> bool:
    return NOTE in connection.introspection.table_names()


def settle() -> Aftermath:
    """By the next start, before anything runs."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT kept FROM {NOTE}")
        outcome = Aftermath(kept=cursor.fetchone()[0])
    with ExitStack() as stack:
        before = opened(outcome.kept, stack)
        with transaction.atomic():
            last = Update.objects.aggregate(last=Max("pk"))["last"] or 0
            known.leap(before, LEAP)
            for model in (Update, Turn, Delivery):
                settle_all(model, before, outcome)
            if before is not None:
                take_over(before, last, outcome)
            with connection.cursor() as cursor:
                cursor.execute(f"DROP TABLE {NOTE}")
    if outcome.held:
        raise_alert(DOUBTFUL, "warning", f"{outcome.held} answers may have been sent before the restore.")
    return outcome


def opened(kept: str, stack: ExitStack) -> Reader | None:
    """The database of before, where there is one that can be read."""
    if not kept:
        return None
    try:
        reader = stack.enter_context(engine().opened(kept))
        return reader if known.is_of_one_time(reader) else None
    except Exception:  # a damaged database fails in any way
        log.warning("the database of before the restore cannot be read", extra={"kept": kept})
        return None


def settle_all(model: Any, before: Reader | None, outcome: Aftermath) -> None:
    for row in unfinished(model):
        fate = fate_of(row, before)
        if fate is known.Fate.DONE:
            settled(row, before)
            outcome.settled += 1
        elif fate is known.Fate.OPEN or settings.RESTORE_DOUBTFUL == "send":
            outcome.resumed += 1
        else:
            hold(row)
            outcome.held += 1


def take_over(before: Reader, last: int, outcome: Aftermath) -> None:
    """Messages of the lost time that were not answered in it."""
    channels = {channel.pk: channel for channel in Channel.objects.all()}
    for row, fate in known.later_updates(before, last):
        channel = channels.get(row.channel_id)
        if channel is None or (fate is known.Fate.DONE and not transport_of(channel).pulled):
            continue
        row.pk = None
        if fate is known.Fate.UNKNOWN and settings.RESTORE_DOUBTFUL == "hold":
            row.state, row.reason = Update.State.QUARANTINED, HELD
            outcome.held += 1
        else:
            row.state = Update.State.RECEIVED
            outcome.taken_over += 1
        row.save(force_insert=True)


def fate_of(row: Any, before: Reader | None) -> known.Fate:
    if transport_of(channel_of(row)).pulled:
        return known.Fate.OPEN  # its answers are read from the database: there are none after this moment
    if before is None:
        return presumed(row)
    try:
        return known.fate(before, row)
    except DatabaseError:
        raise
    except Exception:  # of the other database: that page of it is damaged
        return presumed(row)


def channel_of(row: Any) -> Channel:
    channel: Channel = row.channel if isinstance(row, Update) else row.conversation.channel
    return channel


def unfinished(model: Any) -> Sequence[Any]:
    if model is Update:
        return list(Update.objects.waiting().select_related("channel").order_by("pk"))
    related = ("conversation__channel",)
    return list(model.objects.unsettled().select_related(*related).order_by("pk"))


def presumed(row: Any) -> known.Fate:
    """Filling a placeholder again shows nothing twice; of all else nobody can know."""
    if not isinstance(row, Delivery) or not row.external_id:
        return known.Fate.UNKNOWN
    edits = row.conversation.channel.delivery_mode == Channel.DeliveryMode.EDIT
    return known.Fate.OPEN if edits else known.Fate.UNKNOWN


def settled(row: Any, before: Reader | None) -> None:
    if isinstance(row, Update):
        Update.objects.filter(pk=row.pk).update(state=Update.State.DISPATCHED, reason=DONE)
    elif isinstance(row, Turn):
        Turn.objects.filter(pk=row.pk).update(state=Turn.State.ANSWERED, due_at=None, reason=DONE)
        if before is not None:
            known.take_over_answers(before, row)
    else:
        Delivery.objects.filter(pk=row.pk).update(state=Delivery.State.SENT, due_at=None, reason=DONE)


def hold(row: Any) -> None:
    """Where an operator finds it, and sends it after all, or leaves it. No model answers it by the way."""
    if isinstance(row, Update):
        Update.objects.filter(pk=row.pk).update(state=Update.State.QUARANTINED, reason=HELD)
        return
    source, state = (
        (DeadLetter.Source.TURN, Turn.State.BURIED)
        if isinstance(row, Turn)
        else (DeadLetter.Source.DELIVERY, Delivery.State.FAILED)
    )
    type(row).objects.filter(pk=row.pk).update(state=state, due_at=None, reason=HELD)
    if isinstance(row, Turn):
        Message.objects.create(
            conversation=row.conversation, turn=row, author=Message.Author.SYSTEM, text=UNKNOWN_ANSWER
        )
    payload = {f"{source}_id": row.pk}
    keep(source, str(source), str(row.pk), HELD, payload=payload, trace_id=row.trace_id)
