"""Receive PostgreSQL's journal as it is written, until stopped: the Procfile's `journal`."""

import os
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from khronos.backup.engine import BackupFailed

AGAIN_S = 15.0


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = ()

    def handle(self, **_options: Any) -> None:
        """A server that is away comes back, and a right may be given: till then it waits, and says why."""
        from khronos.backup import postgres_dumps, postgres_programs, postgres_receiver  # noqa: PLC0415

        while True:
            try:
                command = postgres_receiver.prepare()
                break
            except BackupFailed as error:
                postgres_dumps.keep(postgres_dumps.JOURNAL, error)
                self.stderr.write(f"{error} {error.fix}")
                time.sleep(AGAIN_S)
        if settings.BACKUP_REPLICA_URL:
            raise SystemExit(postgres_receiver.carry_on(command))
        os.execve(command[0], command, postgres_programs.environment())  # noqa: S606 (no shell is wanted)
