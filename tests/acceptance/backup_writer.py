"""Writes rows until it is killed: `python -m tests.acceptance.backup_writer DATABASE EVERY_S`."""

import os
import sqlite3
import sys
import time

from settings.databases import SQLITE_PRAGMAS

INSERT = (
    "INSERT INTO khronos_event (event_id, type, trace_id, idempotency_key, timestamp, payload)"
    " VALUES (?, 'outbox.message.sent', 'trace', ?, strftime('%Y-%m-%d %H:%M:%f'), '{}')"
)


def main() -> None:
    database, every_s = sys.argv[1], float(sys.argv[2])
    connection = sqlite3.connect(database, isolation_level=None)
    connection.executescript(SQLITE_PRAGMAS)
    while True:
        due = time.monotonic() + every_s
        key = os.urandom(16).hex()
        connection.execute(INSERT, (key, key))
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main()
