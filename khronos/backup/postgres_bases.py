"""Base backups of a PostgreSQL server: made, and thinned out with the journal that they need (ADR 14)."""

import shutil
from datetime import UTC, datetime
from itertools import pairwise

from django.conf import settings

from khronos.backup import postgres_dumps as dumps
from khronos.backup import postgres_journal as journal
from khronos.backup import postgres_programs as programs
from khronos.backup.engine import Progress
from khronos.backup.postgres_journal import Base
from khronos.backup.shelf import explained, folder

DRAFT = "base.made"


def make(progress: Progress) -> Base:
    """From which the journal is replayed."""
    with explained(), dumps.making():
        journal.arrive(journal.ARRIVES_S)
        era = journal.eras()[-1]
        draft = folder() / DRAFT
        shutil.rmtree(draft, ignore_errors=True)
        try:
            programs.follow(
                "pg_basebackup", f"--pgdata={draft}", "--format=tar", "--gzip",
                "--wal-method=none", "--no-slot",
                "--checkpoint=fast", "--no-password", limit_s=settings.BACKUP_CHECK_MAX.total_seconds(),
                each=lambda: progress(0.5),
            )  # fmt: skip
            journal.arrive(journal.ARRIVES_S)
            now = datetime.now(UTC)
            base = Base(era, f"{journal.BASE}{now:{dumps.TIME}}", now)
            for file in sorted(draft.iterdir(), key=lambda each: each.name == journal.MANIFEST):
                dumps.shelf().put(file, base.path + file.name, progress)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        forget()
        return base


def forget() -> None:
    """Bases that are not needed for the last BACKUP_KEPT_DAYS, and the journal before the oldest one."""
    shelf, made, eras = dumps.shelf(), journal.bases(), journal.eras()
    until = datetime.now(UTC) - settings.BACKUP_KEPT
    needed = [base for base, later in pairwise(made) if later.at > until] + made[-1:]
    for era in eras:
        kept = [base for base in needed if base.era == era]
        for thing in shelf.things(f"{era}/{journal.BASE}" if kept or era == eras[-1] else f"{era}/"):
            if not any(thing.name.startswith(base.path) for base in kept):
                shelf.remove(thing.name)
        if kept:
            first = journal.first_piece(kept[0], journal.length_of_pieces())
            for thing in journal.pieces(era):
                if journal.is_before(thing, first):
                    shelf.remove(thing.name)
