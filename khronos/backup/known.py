"""What the database of before a restore knows of a row that is open in the restored one."""

from collections.abc import Iterator
from enum import Enum
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import AutoField

from khronos.backup.engine import Reader
from khronos.backup.verify import moment
from khronos.models import Delivery, Event, Message, Turn, Update
from khronos.observability.steps import Ids

# A placeholder's id is written before it is filled: what has none in edit mode was seen by nobody.
ANSWERS = """
    SELECT sent_at IS NOT NULL, sent_at IS NOT NULL OR (
            attempts > 0 AND (channel.delivery_mode <> 'edit' OR delivery.external_id <> '')
        )
    FROM khronos_delivery delivery
    JOIN khronos_message message ON message.id = delivery.message_id
    JOIN khronos_conversation conversation ON conversation.id = delivery.conversation_id
    JOIN khronos_channel channel ON channel.id = conversation.channel_id
    WHERE message.turn_id = {turn}
"""


class Fate(Enum):
    DONE = "done"  # settled after the restored moment: it must not be done again
    OPEN = "open"  # not even then: it goes on
    UNKNOWN = "unknown"


def fate(before: Reader, row: Any) -> Fate:
    if isinstance(row, Update):
        return of_update(before, row)
    if isinstance(row, Turn):
        return of_turn(before, row.pk)
    return of_delivery(before, row)


def of_turn(before: Reader, pk: int) -> Fate:
    """Settled is not yet said: its answer may have waited to be sent."""
    found = before.execute(f"SELECT due_at FROM khronos_turn WHERE id = {int(pk)}").fetchone()
    if found is None:
        return Fate.UNKNOWN
    if found[0] is not None:
        return Fate.OPEN
    answers = before.execute(ANSWERS.format(turn=int(pk))).fetchall()
    if all(is_sent for is_sent, _may_be_shown in answers):
        return Fate.DONE
    return Fate.UNKNOWN if any(may_be_shown for _is_sent, may_be_shown in answers) else Fate.OPEN


def of_update(before: Reader, row: Update) -> Fate:
    """It was answered with its message's turn, or read and found to need no answer."""
    pk = int(row.pk)
    state = before.execute(f"SELECT state FROM khronos_update WHERE id = {pk}").fetchone()
    if state is None or state[0] == Update.State.QUARANTINED:
        return Fate.UNKNOWN
    if state[0] == Update.State.RECEIVED:
        return Fate.OPEN
    turn = before.execute(f"SELECT turn_id FROM khronos_message WHERE update_id = {pk}").fetchone()
    return of_turn(before, turn[0]) if turn and turn[0] else Fate.DONE


def take_over_answers(before: Reader, turn: Turn) -> None:
    """What was said then stands in the conversation: else its model would find a question without answer."""
    names = ("id", "author", "text", "content", "sender_name", "external_id", "created_at")
    query = f"SELECT {', '.join(names)} FROM khronos_message WHERE turn_id = {int(turn.pk)} ORDER BY id"
    there = set(turn.messages.values_list("pk", flat=True))
    for found in before.execute(query).fetchall():
        said = dict(zip(names, found, strict=True))
        pk, made_at = said.pop("id"), moment(said.pop("created_at"))
        if said["author"] == Message.Author.CONTACT or pk in there:
            continue
        message = Message.objects.create(conversation=turn.conversation, turn=turn, **said)
        Message.objects.filter(pk=message.pk).update(created_at=made_at)
        take_over_deliveries(before, pk, message, turn.ids)


def take_over_deliveries(before: Reader, pk: int, message: Message, ids: Ids) -> None:
    names = ("part", "text", "external_id", "plain", "sent_at")
    query = f"SELECT {', '.join(names)} FROM khronos_delivery WHERE message_id = {int(pk)} ORDER BY id"
    for found in before.execute(query).fetchall():
        sent = dict(zip(names, found, strict=True))
        sent |= {"plain": bool(sent["plain"]), "sent_at": moment(sent["sent_at"])}
        Delivery.objects.create(
            conversation=message.conversation, message=message, **ids,
            state=Delivery.State.SENT, due_at=None, **sent,
        )  # fmt: skip


def later_updates(before: Reader, last: int) -> Iterator[tuple[Update, Fate]]:
    """What was accepted after the restored moment: nobody will send it again."""
    names = ("id", "channel_id", "key", "raw", "trace_id", "received_at")
    rows = before.execute(f"SELECT {', '.join(names)} FROM khronos_update WHERE id > {last} ORDER BY id")
    for found in rows.fetchall():
        row = Update(**dict(zip(names, found, strict=True)))
        row.received_at = moment(found[-1]) or row.received_at
        yield row, of_update(before, row)


def of_delivery(before: Reader, row: Delivery) -> Fate:
    """What its tries came to is taken over: a placeholder that was placed, a send that nobody saw end."""
    names = ("due_at", "external_id", "attempts", "deferrals", "doubtful", "state")
    query = f"SELECT {', '.join(names)} FROM khronos_delivery WHERE id = {int(row.pk)}"
    found = before.execute(query).fetchone()
    if found is None:
        return Fate.UNKNOWN
    seen = dict(zip(names, found, strict=True))
    if seen.pop("due_at") is None:
        return Fate.DONE
    seen["doubtful"] = bool(seen["doubtful"])
    Delivery.objects.filter(pk=row.pk).update(**seen)
    return Fate.OPEN


def is_of_one_time(before: Reader) -> bool:
    """It has gone on from where the restored one ends, and is not another's."""
    newest = Event.objects.order_by("-pk").first()
    if newest is None:
        return True
    row = before.execute(f"SELECT trace_id FROM khronos_event WHERE id = {int(newest.pk)}").fetchone()
    return row is not None and row[0] == newest.trace_id


def leap(before: Reader | None, length: int) -> None:
    """Numbers that were given out after the restored moment are known outside: none is given out twice."""
    with connection.cursor() as cursor:
        for model in apps.get_app_config("khronos").get_models():
            if isinstance(model._meta.pk, AutoField):
                table = model._meta.db_table
                last = max(last_number(reader, table) for reader in (cursor, before or cursor))
                raise_to(cursor, table, last + (0 if before else length))


def last_number(reader: Any, table: str) -> int:
    found = reader.execute(f"SELECT max(id) FROM {table}")
    return int((found if hasattr(found, "fetchone") else reader).fetchone()[0] or 0)


def raise_to(cursor: Any, table: str, last: int) -> None:
    """The next one is above it."""
    if connection.vendor != "sqlite":
        cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, max(last, 1)])
        return
    cursor.execute("UPDATE sqlite_sequence SET seq = max(seq, %s) WHERE name = %s", [last, table])
    cursor.execute(
        "INSERT INTO sqlite_sequence (name, seq) SELECT %s, %s"
        " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = %s)",
        [table, last, table],
    )
