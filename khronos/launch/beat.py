"""The timetable's clock. Many may run; the one that holds the lease fires, the others stand by."""

from datetime import timedelta
from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler

from khronos.models import Lease
from khronos.models.lease import holder
from khronos.observability.heartbeat import beat

NAME = "beat"
LEASE = timedelta(seconds=30)
STAND_BY_S = 5.0  # between two looks of a stand-by


class LeasedScheduler(DatabaseScheduler):  # type: ignore[misc]
    """Each firing is written down at once (CELERY_BEAT_SYNC_EVERY), so that the next holder knows of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.holder = holder()
        self.holds = False
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        beat(NAME)
        held_before, self.holds = self.holds, Lease.objects.hold(NAME, self.holder, LEASE)
        if not self.holds:
            return STAND_BY_S
        if not held_before:
            self.read_anew()
        wait: float = super().tick(*args, **kwargs)
        return wait

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Whoever slept through the lease (a suspended machine) must not fire what it held."""
        if Lease.objects.hold(NAME, self.holder, LEASE):
            super().apply_entry(entry, producer=producer)
        else:
            self.holds = False
            self._dirty.clear()

    def read_anew(self) -> None:
        """Somebody else held the lease until now: what it fired is in the database, not in our memory."""
        self._dirty.clear()
        self._schedule = None
        self._last_timestamp = None
        self._initial_read = True
        self._heap = None

    def close(self) -> None:
        super().close()
        Lease.objects.let_go(NAME, self.holder)
