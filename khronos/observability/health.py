"""Is all there that work needs? Each check runs beside the others, against a clock (docs/processes.md)."""

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import amqp
import psutil
import redis
from celery import shared_task
from django.conf import settings
from django.db import close_old_connections, connection
from kombu import Connection

from khronos.celery import app
from khronos.observability import canaries, heartbeat
from khronos.observability.said import Said as _
from khronos.resilience.deadlines import within

DEADLINE_S = 0.8  # /ready answers within a second, whatever hangs, on a busy machine as well
FRESH_S = 1.0  # load balancers ask often and together
FRESH_BAD_S = 0.2  # good news are wanted at once
DISK_LEAST_FREE_MB = 100
MEMORY_LEAST_AVAILABLE = 0.05  # of the machine's
DETAIL_MAX = 300  # characters
MIB = 2**20


class Amiss(RuntimeError):
    """Of a level of its own, where that depends on what was seen."""

    def __init__(self, detail: str, level: str = "") -> None:
        super().__init__(detail)
        self.detail, self.level = detail, level


@dataclass(frozen=True)
class Result:
    ok: bool
    detail: str
    took_ms: float = 0.0
    level: str = ""  # where the check itself says how bad it is


@within(DEADLINE_S)
def database() -> str:
    """A transaction that may write, given up: it needs the lock and a writable disk, and leaves nothing."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("ROLLBACK")
            return _("writable")
        cursor.execute("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool")
        if cursor.fetchone()[0]:
            raise Amiss(_("read-only"))
    return _("writable")


def redis_server() -> str:
    heartbeat.client().ping()
    return _("answers")


def broker() -> str:
    if settings.CELERY_BROKER_URL == settings.REDIS_URL:
        return redis_server()
    if settings.CELERY_BROKER_URL.startswith(("amqp://", "amqps://")):
        return takes_messages(app.connection_for_write(connect_timeout=DEADLINE_S, heartbeat=0))
    with Connection(settings.CELERY_BROKER_URL, connect_timeout=DEADLINE_S) as broker_connection:
        broker_connection.ensure_connection(max_retries=1, timeout=1)
    return _("answers")


def takes_messages(rabbitmq: Connection) -> str:
    """Short of memory or disk, it lets in and takes nothing: so a message to nowhere must be confirmed."""
    wire: Any = rabbitmq.transport.establish_connection()
    try:
        wire.sock.settimeout(DEADLINE_S)
        wire.channel().basic_publish_confirm(amqp.Message(""), "", "khronos.ready")
        wire.close()
    finally:
        wire.collect()
    return _("takes messages")


@shared_task(name=canaries.CANARY, ignore_result=True, send_events=False)
def canary(answer_to: str = "", place: str = "") -> None:
    """A job like any other, but for its work: broker, worker and database do theirs, and no row stays."""
    database()
    if answer_to:
        canaries.answer(answer_to, place)


def workers() -> str:
    count = heartbeat.alive("agent")
    if not count:
        raise Amiss(_("no agent is alive"))
    flown = canaries.canaries()
    late = [f"{place} {s} s" for place, (_age, s) in flown.items() if s > heartbeat.CANARY_LATE_S]
    if late:
        raise Amiss(_("canary awaited: %(places)s") % {"places": ", ".join(late)})
    done = [f"{place} {age} s" for place, (age, _s) in flown.items() if age is not None]
    return _("%(n)s alive; canary: %(places)s") % {"n": count, "places": ", ".join(done) or _("none yet")}


def disk() -> str:
    free_mb = shutil.disk_usage(settings.KHRONOS_HOME).free / MIB
    if free_mb < DISK_LEAST_FREE_MB:
        raise Amiss(_("only %(n)s MB free") % {"n": round(free_mb)})
    return _("%(n)s MB free") % {"n": round(free_mb)}


def memory() -> str:
    machine = psutil.virtual_memory()
    available_mb = round(machine.available / MIB)
    if machine.available < machine.total * MEMORY_LEAST_AVAILABLE:
        raise Amiss(_("only %(n)s MB available") % {"n": available_mb})
    return _("%(n)s MB available") % {"n": available_mb}


type Asks = Callable[[], str]  # answers what it saw, or raises why that is not good

CHECKS: dict[str, Asks] = {
    "database": database,
    "redis": redis_server,
    "broker": broker,
    "workers": workers,
    "disk": disk,
    "memory": memory,
}


class Check:
    """One check in a thread of its own: one that hangs keeps that thread, and no other is started for it."""

    def __init__(self, ask: Callable[[], str], deadline_s: float = DEADLINE_S) -> None:
        self.ask = ask
        self.deadline_s = deadline_s
        self.asked = threading.Event()
        self.answered = threading.Event()
        self.result = Result(False, _("not asked yet"))
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        if self.thread is None:
            self.thread = threading.Thread(target=self._serve, daemon=True)
            self.thread.start()
        if not self.asked.is_set():
            self.answered.clear()
            self.asked.set()

    def wait(self, until: float) -> Result:
        if self.answered.wait(max(0.0, until - time.monotonic())):
            return self.result
        return Result(
            False, _("no answer within %(n)s s") % {"n": f"{self.deadline_s:g}"}, self.deadline_s * 1000
        )

    def _serve(self) -> None:
        while self.asked.wait():
            self.result = run(self.ask)
            close_old_connections()  # into the pool, until it is asked again
            self.asked.clear()
            self.answered.set()


def run(ask: Callable[[], str]) -> Result:
    began, level = time.monotonic(), ""
    try:
        ok, detail = True, ask()
    except Amiss as error:
        ok, detail, level = False, error.detail, error.level
    except redis.TimeoutError:
        ok, detail = False, _("no answer in time")
    except (RuntimeError, redis.RedisError) as error:
        ok, detail = False, str(error)
    except Exception as error:
        connection.close()  # a broken connection would stay broken: this thread is outside any request
        ok, detail = False, f"{type(error).__name__}: {error}"
    detail = detail if len(detail) <= DETAIL_MAX else detail[:DETAIL_MAX]
    return Result(ok, detail, round((time.monotonic() - began) * 1000, 1), level)


class Readiness:
    def __init__(self, checks: dict[str, Callable[[], str]]) -> None:
        self.checks = {name: Check(ask) for name, ask in checks.items()}
        self.lock = threading.Lock()
        self.results: dict[str, Result] = {}
        self.looked_at, self.fresh_s = 0.0, 0.0

    def look(self) -> dict[str, Result]:
        with self.lock:  # those who come meanwhile get the answer of the first
            if time.monotonic() - self.looked_at >= self.fresh_s:
                for check in self.checks.values():
                    check.start()
                until = time.monotonic() + DEADLINE_S
                self.results = {name: check.wait(until) for name, check in self.checks.items()}
                self.looked_at = time.monotonic()
                self.fresh_s = FRESH_S if all(result.ok for result in self.results.values()) else FRESH_BAD_S
            return self.results


readiness = Readiness(CHECKS)
