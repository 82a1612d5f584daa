"""What of a dump is restored: pgvector's index only where the server allows it; nothing else needs it."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.conf import settings

from khronos.backup import postgres_programs as programs
from khronos.backup import postgres_server as server

OF_PGVECTOR = re.compile(r" EXTENSION - vector | INDEX \S+ chunk_meaning ")


@contextmanager
def selection(dump: Path, to: str) -> Iterator[list[str]]:
    """Arguments of pg_restore that leave out what this role, or this server, cannot have."""
    with tempfile.TemporaryDirectory(prefix="khronos-restore-") as folder:
        contents = Path(folder) / "contents"
        programs.follow(
            "pg_restore", "--list", f"--file={contents}", str(dump),
            limit_s=settings.BACKUP_CHECK_MAX.total_seconds(), each=lambda: None,
        )  # fmt: skip
        lines = contents.read_text("utf-8").splitlines(keepends=True)
        wanted = [line for line in lines if not OF_PGVECTOR.search(line)]
        if wanted == lines or has_pgvector(to):
            yield []
            return
        contents.write_text("".join(wanted), "utf-8")
        yield [f"--use-list={contents}"]


def has_pgvector(place: str) -> bool:
    """It is an administrator's to give, and not every server has it."""
    with server.opened(place) as found:
        try:
            found.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported):
            return False
    return True
