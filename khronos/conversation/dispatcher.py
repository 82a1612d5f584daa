"""The dispatcher process: reads the bus, dispatches, tells, rings, sweeps (docs/turns.md)."""

import logging
import threading
import time
from collections.abc import Callable, Iterable

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from khronos.alerts import raise_alert
from khronos.bus import doorbell
from khronos.bus.connection import patient
from khronos.bus.events import update_of
from khronos.bus.relay import Relay, trim
from khronos.bus.routes import CONSUMED, PRESS_TASK, TURN_TASK
from khronos.bus.streams import Consumer, Entry
from khronos.conversation import sweep
from khronos.conversation.deadletters import bury_entry
from khronos.conversation.dispatch import Outcome, dispatch, tell_steps
from khronos.database import give_back
from khronos.herald import sweep as herald
from khronos.models import HealthCheck
from khronos.models.check import STALE_PERIODS
from khronos.models.lease import holder
from khronos.observability.said import Said as _
from khronos.observability.steps import since_ms
from khronos.resilience import crashpoints
from khronos.resilience.shutdown import Stopping
from khronos.resilience.wallclock import WallClock

log = logging.getLogger(__name__)

BLOCK_MS = 500
TRIM_EVERY_S = 60.0
LOOK_S = 0.02
WATCH_EVERY_S = 60.0
REST_S = 1.0  # between tries while the bus or the database is away
AT_A_START = ("tasks.ops.watch_channels", "tasks.ops.look_around")
FAULTS = (*doorbell.UNREACHABLE, DatabaseError, InterfaceError)


class Dispatcher:
    def __init__(self, alive: Callable[[], None] = lambda: None) -> None:
        self.relay = Relay()
        self.alive = alive
        self.consumer = Consumer(
            patient(),
            "dispatcher",
            holder(),
            CONSUMED,
            self.handle,
            bury_entry,
        )
        self.clock = WallClock()
        self._sweep_at = self._trim_at = 0.0
        self._watch_at = time.monotonic() + STALE_PERIODS * WATCH_EVERY_S  # after a start they come first
        self.in_hand = 0  # updates of the batch at work
        self.is_done = threading.Event()  # nothing is read any more, and what was told is marked

    def run(self, stopping: Stopping) -> None:
        for job in AT_A_START:
            doorbell.call(job, "ops")
        joined = False
        while not stopping.is_set():
            try:
                if not joined:
                    self.consumer.join()
                    joined = True
                give_back()
                self.consumer.read(BLOCK_MS)
            except FAULTS as error:
                joined = False
                log.warning("bus or database away", extra={"error": f"{type(error).__name__}: {error}"[:300]})
                stopping.wait(REST_S)
            if not stopping.is_set():
                self.housekeeping()
        self.finish()
        self.is_done.set()

    def stop_reading(self) -> str:
        """The read that waits for news ends by itself; no other begins."""
        while not self.in_hand and not self.is_done.wait(LOOK_S):
            pass
        return "the bus is read no more"

    def handle(self, entries: list[Entry]) -> Iterable[str]:
        keys = [entry.fields.get("idempotency_key", "") for entry in entries]
        self.dispatch([pk for key in keys if (pk := update_of(key))])
        return [entry.id for entry in entries]

    def dispatch(self, update_ids: list[int], *, told: bool = True) -> None:
        self.in_hand = len(update_ids)
        began = time.perf_counter()
        try:
            outcome = dispatch(update_ids, told=told)
            tell_steps(outcome, since_ms(began))
            self.proclaim(outcome)
        finally:
            self.in_hand = 0

    def proclaim(self, outcome: Outcome) -> None:
        """Committed already: what cannot be rung or told now, the sweeper and the relay do later."""
        crashpoints.reached("dispatch.committed")
        doorbell.ring(TURN_TASK, outcome.turns)
        doorbell.ring(PRESS_TASK, outcome.presses)
        crashpoints.reached("dispatch.rung")
        try:
            self.relay.tell(outcome.events)
        except redis.RedisError as error:
            log.warning("events wait for the relay", extra={"error": type(error).__name__})

    def housekeeping(self) -> None:
        now = time.monotonic()
        if now < self._sweep_at:
            return
        self._sweep_at = now + settings.SWEEP_EVERY_S
        self.alive()
        close_old_connections()
        for chore in (
            self.follow_clock,
            self.sweep_updates,
            sweep.ring_for_due_work,
            herald.sweep,
            self.consumer.adopt,
            self.relay.catch_up,
            self.trim,
            self.watch_the_watch,
        ):
            try:
                chore()
            except FAULTS as error:
                log.warning(
                    "chore put off",
                    extra={"chore": chore.__name__, "error": f"{type(error).__name__}: {error}"[:300]},
                )

    def follow_clock(self) -> None:
        """SQLite's clock is this machine's; PostgreSQL has its own."""
        put_back_s = self.clock.put_back_s()
        if put_back_s and connection.vendor == "sqlite":
            sweep.follow_clock(put_back_s)

    def sweep_updates(self) -> None:
        if late := sweep.overlooked_updates():
            log.info("overlooked updates dispatched", extra={"updates": len(late)})
            self.dispatch(late, told=False)

    def trim(self) -> None:
        if time.monotonic() >= self._trim_at:
            self._trim_at = time.monotonic() + TRIM_EVERY_S
            trim(patient())

    def watch_the_watch(self) -> None:
        """Beat and its worker look at every part, and at themselves: so somebody else looks after them."""
        if time.monotonic() >= self._watch_at:
            self._watch_at = time.monotonic() + WATCH_EVERY_S
            if HealthCheck.objects.is_forgotten():
                raise_alert(
                    "check.beat", "error", _("Nobody looks at the parts: beat or worker stands still.")
                )

    def finish(self) -> None:
        try:
            self.relay.mark()
        except FAULTS:
            log.warning("told events stay unmarked; they will be told again")

    def leave(self) -> str:
        """What was read and is not done stays pending on the bus: its next reader adopts it."""
        self.is_done.wait()
        return "what was told is marked; the rest stays on the bus"
