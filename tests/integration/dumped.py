"""A database of the tests' own on a real PostgreSQL, with every table of ours, and its dumps."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from pytest_django import Settings

from khronos.backup import postgres_programs as programs
from khronos.backup import postgres_server as server
from khronos.backup.postgres import Postgres

NAME = "khronos_dumped"


class Dumped:
    def __init__(self) -> None:
        self.engine = Postgres(NAME)

    def execute(self, query: str, *values: object, place: str = NAME) -> list[tuple[Any, ...]]:
        with psycopg.connect(**server.parameters(place), autocommit=True) as found:
            cursor = found.execute(query.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def keys(self, place: str = NAME) -> list[str]:
        query = "SELECT idempotency_key FROM khronos_event ORDER BY id"
        return [row[0] for row in self.execute(query, place=place)]

    def record_event(self, key: str, at: datetime | None = None) -> None:
        self.execute(
            "INSERT INTO khronos_event (event_id, type, trace_id, idempotency_key, timestamp, payload)"
            " VALUES (%s, 'outbox.message.sent', 'trace', %s, coalesce(%s, now()), %s)",
            os.urandom(16).hex(), key, at, json.dumps({}),
        )  # fmt: skip

    def databases(self) -> set[str]:
        """Those that stand beside it."""
        query = "SELECT datname FROM pg_database WHERE datname LIKE %s"
        return {row[0] for row in self.execute(query, f"{NAME}_%", place="postgres")}


@contextmanager
def dumped(folder: Path, settings: Settings) -> Iterator[Dumped]:
    settings.KHRONOS_HOME = folder
    settings.BACKUP_FOLDER = folder / "backup"
    made = Dumped()
    clear(made)
    server.make(NAME, like=server.live())
    arguments = [programs.program("pg_dump"), "--schema-only", "--no-owner", server.live()]
    schema = subprocess.run(arguments, env=programs.environment(), capture_output=True, check=True)
    arguments = [programs.program("psql"), "--quiet", "--set=ON_ERROR_STOP=1", NAME]
    subprocess.run(
        arguments, env=programs.environment(), input=schema.stdout, check=True, capture_output=True
    )
    try:
        yield made
    finally:
        clear(made)


def clear(made: Dumped) -> None:
    for name in {*made.databases(), NAME}:
        server.drop(name)
