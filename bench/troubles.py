"""What must be none when an instance has come to rest, by what it is called."""

from collections.abc import Mapping

from bench.instance import Instance

TABLES = ("update", "message", "turn", "delivery", "deadletter", "event", "usage")

# `?` is the last id that does not count.
TROUBLES = {
    "waiting updates": "SELECT count(*) FROM khronos_update WHERE id > ? AND state = 'received'",
    "quarantined updates": "SELECT count(*) FROM khronos_update WHERE id > ? AND state = 'quarantined'",
    "unsettled turns": "SELECT count(*) FROM khronos_turn WHERE id > ? AND due_at IS NOT NULL",
    "buried turns": "SELECT count(*) FROM khronos_turn WHERE id > ? AND state = 'buried'",
    "unsettled deliveries": "SELECT count(*) FROM khronos_delivery WHERE id > ? AND due_at IS NOT NULL",
    "failed deliveries": "SELECT count(*) FROM khronos_delivery WHERE id > ? AND state = 'failed'",
    "doubtful deliveries": "SELECT count(*) FROM khronos_delivery WHERE id > ? AND doubtful",
    "dead letters": "SELECT count(*) FROM khronos_deadletter WHERE id > ?",
    "answers outside of the ledger": "SELECT count(*) FROM khronos_turn WHERE id > ? AND state = 'answered' "
    "AND provider NOT IN ('', 'offline') AND NOT EXISTS (SELECT 1 FROM khronos_usage WHERE status = 'ok' "
    "AND turn_id = khronos_turn.id)",
    "sums apart from the ledger": "SELECT count(*) FROM khronos_usage WHERE id > ? AND "
    "(SELECT sum(micros) FROM khronos_usage) <> (SELECT sum(micros) FROM khronos_usageday)",
    "untold events": "SELECT count(*) FROM khronos_event WHERE id > ? AND published_at IS NULL",
}
UNFINISHED = ("waiting updates", "unsettled turns", "unsettled deliveries", "untold events")


def last_ids(khronos: Instance) -> dict[str, int]:
    return {table: khronos.sql(f"SELECT coalesce(max(id), 0) FROM khronos_{table}")[0][0] for table in TABLES}


def troubles(khronos: Instance, since: Mapping[str, int]) -> dict[str, int]:
    """`since`: the last id of each table before what counts; 0 where there is none."""
    return {
        name: khronos.sql(query, since.get(query.split("khronos_")[1].split()[0], 0))[0][0]
        for name, query in TROUBLES.items()
    }
