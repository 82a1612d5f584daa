"""The timetable's clock. Many may run; the one that holds the lease fires, the others stand by."""

import logging
import socket
import threading
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from khronos.celery import app
from khronos.database import give_back
from khronos.launch.closing import closes, with_database
from khronos.models import Lease
from khronos.models.lease import holder
from khronos.observability.heartbeat import beat
from khronos.resilience.farewell import Farewell, Step
from khronos.resilience.shutdown import Stopping
from khronos.resilience.wallclock import WallClock

log = logging.getLogger(__name__)

NAME = "beat"
LEASE = timedelta(seconds=30)
STAND_BY_S = 5.0  # between two looks of a stand-by
SOCKET_TIMEOUT_S = 30.0  # as Celery's own beat has it


class LeasedScheduler(DatabaseScheduler):  # type: ignore[misc]
    """Each firing is written down at once (CELERY_BEAT_SYNC_EVERY), so that the next holder knows of it."""

    producer = None  # Celery's own waits for a broker without end, and keeps a line that was cut

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.holder = holder()
        self.holds = False
        self.wall = WallClock()
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        beat(NAME)
        held_before, self.holds = self.holds, Lease.objects.hold(NAME, self.holder, LEASE)
        if not self.holds:
            return STAND_BY_S
        if self.wall.put_back_s() or not held_before:
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
        """Somebody else held the lease until now: what it fired is in the database, not in our memory.

        Or the clock was put back: what was fired in times to come would not be fired again before them.
        """
        PeriodicTask.objects.filter(last_run_at__gt=timezone.now()).update(last_run_at=timezone.now())
        self._dirty.clear()
        self._schedule = None
        self._last_timestamp = None
        self._initial_read = True
        self._heap = None

    def close(self) -> None:
        super().close()
        Lease.objects.let_go(NAME, self.holder)


class Clock:
    """Celery's own loop sleeps through a stop, or ends in the middle of a firing."""

    def __init__(self) -> None:
        app.loader.init_worker()  # loads the tasks
        app.finalize()
        self.scheduler = LeasedScheduler(app=app)
        self.fires_no_more = threading.Event()

    def run(self, stopping: Stopping) -> None:
        try:
            while not stopping.is_set():
                stopping.wait(self.tick())
        finally:
            self.fires_no_more.set()

    def tick(self) -> float:
        """Seconds until the next one. While the database is away nobody can tell whose turn it is."""
        try:
            return max(0.0, self.scheduler.tick())  # below zero where something is overdue
        except (DatabaseError, InterfaceError) as error:
            log.warning("nothing is fired", extra={"error": f"{type(error).__name__}: {error}"[:300]})
            self.scheduler.holds = False  # another may have fired meanwhile
            return STAND_BY_S
        finally:
            give_back()

    def stop(self) -> str:
        self.fires_no_more.wait()
        return "nothing more is fired"

    def hand_over(self) -> str:
        self.scheduler.close()
        return "the timetable is another one's"


def run() -> None:
    with Farewell() as farewell:
        socket.setdefaulttimeout(SOCKET_TIMEOUT_S)
        clock = Clock()
        farewell.on(Step.SOURCES, clock.stop)
        farewell.on(Step.UNFINISHED, with_database(clock.hand_over))
        closes(farewell)
        clock.run(farewell.stopping)
