"""Is a restored database the one that was copied? Judged in plain words.

The database in use has gone on since. Rows of a record are never renumbered, and what they say of the moment
they were made never changes: so every row up to the newest one of the copy must be in it, unaltered.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _

from khronos.backup.engine import Engine, Reader
from khronos.observability.lengths import words

SLICE = 20_000  # rows read at a time: a long read would keep the journal from being folded
NAMED = 5  # ids in a complaint

# What never changes once a row is there; the first column of time tells when it was made.
RECORDS: dict[str, tuple[str, ...]] = {
    "khronos_update": ("received_at", "channel_id", "key", "raw", "trace_id"),
    "khronos_message": ("created_at", "conversation_id", "author"),
    "khronos_turn": ("created_at", "conversation_id", "trace_id"),
    "khronos_delivery": ("created_at", "conversation_id", "message_id", "part", "text", "trace_id"),
    "khronos_event": ("timestamp", "event_id", "type", "trace_id", "idempotency_key"),
}
NEWEST = "khronos_event", "timestamp"


@dataclass
class Verdict:
    problems: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)  # of the copy
    behind: dict[str, int] = field(default_factory=dict)  # rows that only the database in use has
    last: dict[str, int] = field(default_factory=dict)  # id up to which was compared
    newest: datetime | None = None  # event

    @property
    def ok(self) -> bool:
        return not self.problems

    def __str__(self) -> str:
        if self.problems:
            return "; ".join(self.problems)
        return _("whole: every page and key, %(rows)s rows compared") % {"rows": sum(self.rows.values())}


def verify(
    engine: Engine,
    place: str,
    *,
    with_live: bool = True,
    begun: datetime | None = None,
    until: datetime | None = None,
) -> Verdict:
    """Without the database in use, where that is gone or damaged, rows are counted and not compared.

    `begun`: when the copy was asked for; what was long there by then must be in it.
    `until`: the moment of the copy, where its newest event is older.
    """
    verdict = Verdict(problems=engine.complaints(place)[:NAMED])
    if verdict.problems:
        return verdict
    with engine.opened(place) as copy:
        verdict.newest = newest(copy)
        for table in RECORDS:
            verdict.rows[table] = count(copy, table)
        if with_live:
            with engine.opened(engine.live) as live:
                for table in RECORDS:
                    compare(engine, table, copy, live, verdict, until or verdict.newest)
                if begun is not None:
                    look_for_gap(engine, live, verdict, begun)
    return verdict


def look_for_gap(engine: Engine, live: Reader, verdict: Verdict, begun: datetime) -> None:
    """What only the database in use has must be new."""
    table, column = NEWEST
    since = f"id > {verdict.last[table]}"
    first = moment(live.execute(f"SELECT min({column}) FROM {table} WHERE {since}").fetchone()[0])
    if first is not None and begun - first > timedelta(seconds=engine.late_s + engine.settles_s):
        verdict.problems.append(
            _("it ends %(age)s before it was restored: newer rows never arrived")
            % {"age": words((begun - first).total_seconds())}
        )


def newest(reader: Reader) -> datetime | None:
    table, column = NEWEST
    return moment(reader.execute(f"SELECT max({column}) FROM {table}").fetchone()[0])


def moment(found: str | datetime | None) -> datetime | None:
    """SQLite has texts."""
    if isinstance(found, str):
        return datetime.fromisoformat(found).replace(tzinfo=UTC)
    return found if found is None else found.astimezone(UTC)


def count(reader: Reader, table: str, where: str = "true") -> int:
    return int(reader.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0])


def compare(
    engine: Engine, table: str, copy: Reader, live: Reader, verdict: Verdict, until: datetime | None
) -> None:
    last = verdict.last[table] = last_settled(engine, table, copy, until)
    missing: list[int] = []
    altered: list[int] = []
    for low in slices(copy, live, table, last):
        high = min(low + SLICE - 1, last)
        if sums(engine, copy, table, low, high) == sums(engine, live, table, low, high):
            continue
        copied, present = prints(engine, copy, table, low, high), prints(engine, live, table, low, high)
        missing += sorted(present.keys() - copied.keys())
        altered += sorted(id_ for id_ in present.keys() & copied.keys() if present[id_] != copied[id_])
    if missing:
        verdict.problems.append(
            _("%(table)s: %(n)s rows are missing in the copy (%(ids)s)") % told(table, missing)
        )
    if altered:
        verdict.problems.append(_("%(table)s: %(n)s rows are altered (%(ids)s)") % told(table, altered))
    verdict.behind[table] = count(live, table, f"id > {last}")


def told(table: str, ids: list[int]) -> dict[str, object]:
    shown = ", ".join(map(str, ids[:NAMED])) + (" …" if len(ids) > NAMED else "")
    return {"table": table, "n": len(ids), "ids": shown}


def last_settled(engine: Engine, table: str, copy: Reader, until: datetime | None) -> int:
    """The newest row of the copy before which no other could still become visible."""
    where = "true"
    if engine.settles_s and until is not None:
        settled = until - timedelta(seconds=engine.settles_s)
        where = f"{RECORDS[table][0]} < '{settled.isoformat()}'"
    found = copy.execute(f"SELECT max(id) FROM {table} WHERE {where}").fetchone()[0]
    return int(found or 0)


def slices(copy: Reader, live: Reader, table: str, last: int) -> Iterator[int]:
    """Where each slice begins: from the first row that either has."""
    firsts = [reader.execute(f"SELECT min(id) FROM {table}").fetchone()[0] for reader in (copy, live)]
    known = [int(first) for first in firsts if first is not None]
    return iter(range(min(known, default=last + 1), last + 1, SLICE))


def sums(engine: Engine, reader: Reader, table: str, low: int, high: int) -> tuple[int, int, int]:
    one = engine.fingerprint(("id", *RECORDS[table]))
    query = f"SELECT count(*), sum(id), sum({one}) FROM {table} WHERE id BETWEEN {low} AND {high}"
    rows, ids, prints_ = reader.execute(query).fetchone()
    return int(rows), int(ids or 0), int(prints_ or 0)


def prints(engine: Engine, reader: Reader, table: str, low: int, high: int) -> dict[int, int]:
    one = engine.fingerprint(("id", *RECORDS[table]))
    rows = reader.execute(f"SELECT id, {one} FROM {table} WHERE id BETWEEN {low} AND {high}")
    return {int(id_): int(print_) for id_, print_ in rows}
