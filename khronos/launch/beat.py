"""The timetable's clock. Many may run; the one that holds the lease fires, the others stand by."""

import os
import socket
from datetime import timedelta
from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler

from khronos.models import Lease
from khronos.observability.heartbeat import beat

LEASE = timedelta(seconds=30)
STAND_BY_S = 5.0  # between two looks of a stand-by


class LeasedScheduler(DatabaseScheduler):  # type: ignore[misc]
    """Writes down each firing at once (beat_sync_every = 1), so that the next holder does not fire it again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.holder = f"{socket.gethostname()}:{os.getpid()}"
        self.holds = False
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        beat("beat")
        held_before, self.holds = self.holds, Lease.objects.hold("beat", self.holder, LEASE)
        if not self.holds:
            return STAND_BY_S
        if not held_before:
            self.forget_timetable()
        wait: float = super().tick(*args, **kwargs)
        return wait

    def forget_timetable(self) -> None:
        """Somebody else held the lease until now: what it fired is in the database, not in our memory."""
        self._schedule = None
        self._last_timestamp = None
        self._initial_read = True
        self._heap = None

    def close(self) -> None:
        super().close()
        Lease.objects.let_go("beat", self.holder)
