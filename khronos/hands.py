"""A few threads for work that is slow and that no person waits for; they end when nothing is due any more.

Celery's own threads only wake them, so that no crowd of such work keeps a delivery waiting.
"""

import logging
import threading
from collections.abc import Callable

from django.db import DatabaseError, close_old_connections, connection

log = logging.getLogger(__name__)


class Hands:
    """`due` answers how much there is to do; `work` does it until nothing is."""

    def __init__(self, name: str, most: int, due: Callable[[], int], work: Callable[[], object]) -> None:
        self._name, self._most, self._due, self._work = name, most, due, work
        self._counting = threading.Lock()
        self._busy = 0

    def wake(self) -> None:
        """As many as there is work for. Who comes too late finds nothing; what was missed is swept."""
        due = self._due()
        with self._counting:
            new = max(0, min(due, self._most - self._busy))
            self._busy += new
        for _ in range(new):
            threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def _run(self) -> None:
        close_old_connections()
        try:
            self._work()
        except DatabaseError:
            log.warning("the database went away; others go on", extra={"hands": self._name}, exc_info=True)
        finally:
            with self._counting:
                self._busy -= 1
            connection.close()
