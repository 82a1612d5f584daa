"""Alerts while the database is away: kept in memory, told without it, written when it is back."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import redis
from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connections, transaction
from django.db.models import DateTimeField, Value
from django.utils import timezone

from khronos.alerts import means
from khronos.alerts.words import news_of
from khronos.bus.connection import quick
from khronos.channels.base import Account
from khronos.channels.telegram.transport import TelegramTransport
from khronos.exceptions import Failure, Misconfigured
from khronos.models import Alert
from khronos.models.alert_policy import EVERY, URGENT
from khronos.resilience.keeper import Keeper

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Note:
    """What is to be written of one name."""

    name: str
    level: str
    text: str
    first_at: datetime
    last_at: datetime
    count: int = 1
    over_at: datetime | None = None
    told_by: str = ""
    told_at: datetime | None = None


class Book:
    def __init__(self, clock: Callable[[], datetime] = timezone.now) -> None:
        self.clock = clock
        self._notes: dict[str, Note] = {}
        self._lock = threading.Lock()
        self._keeper = Keeper("alerts")
        self._is_attended = False

    @property
    def is_open(self) -> bool:
        """The database was away a moment ago: nobody need wait to find that out again."""
        return bool(self._notes)

    def raised(self, name: str, level: str, text: str) -> None:
        now = self.clock()
        with self._lock:
            note = self._notes.setdefault(name, Note(name, level, text, now, now, count=0))
            note.level, note.text, note.last_at, note.over_at = level, text, now, None
            note.count += 1
        self._call_back()

    def over(self, name: str) -> None:
        now = self.clock()
        with self._lock:
            note = self._notes.setdefault(name, Note(name, "", "", now, now, count=0))
            note.over_at = now
        self._call_back()

    def clear(self) -> None:
        with self._lock:
            self._notes.clear()

    def _call_back(self) -> None:
        with self._lock:
            was_attended, self._is_attended = self._is_attended, True
        if not was_attended:
            self._keeper.once(self.attend, after_s=settings.ALERT_WRITE_AGAIN_S)

    def attend(self) -> None:
        """Write, or tell what cannot wait; again in a while, for as long as there is something."""
        with self._lock:
            self._is_attended = False
        try:
            is_done = self.write()
            if not is_done:
                self.tell()
        finally:
            connections.close_all()  # of the keeper's own thread
            if self.is_open:
                self._call_back()

    def write(self) -> bool:
        """False while the database is away."""
        for note in list(self._notes.values()):
            with self._lock:
                known = replace(note)
            try:
                with transaction.atomic():
                    written(known)
            except (OperationalError, InterfaceError) as error:
                log.warning("alerts are kept in memory", extra={"error": type(error).__name__})
                return False
            except Error:  # it is this note's fault: the others must not wait for it
                log.exception("alert cannot be kept", extra={"alert": note.name})
            with self._lock:
                if note == known:
                    self._notes.pop(note.name, None)
                else:  # raised once more meanwhile, or over
                    note.count -= known.count
        return True

    def tell(self) -> None:
        for note in list(self._notes.values()):
            if note.level in URGENT and not note.told_by and note.over_at is None:
                note.told_by, note.told_at = once_for_all(note), self.clock()


def written(note: Note) -> None:
    """Into the row of its name, with the times at which it happened."""
    rows, first, last = Alert.objects, at(note.first_at), at(note.last_at)
    if note.count and not rows.repeat(note.name, note.level, note.text, note.count, last):
        rows.make(note.name, first)
        is_begun = rows.begin(note.name, note.level, note.text, 1, first)
        if more := note.count - is_begun:
            rows.repeat(note.name, note.level, note.text, more, last)
    if note.told_by and note.told_at:
        rows.get(name=note.name).settle(note.told_by, at(note.told_at))
    if note.over_at:
        rows.end(note.name, at(note.over_at))


def at(moment: datetime) -> Value:
    return Value(moment, output_field=DateTimeField())


def once_for_all(note: Note) -> str:
    """Of many processes that know it one tells. By what it was told; empty where it could not be."""
    key = f"khronos:alerts:told:{note.name}"
    try:
        if not quick().set(key, "another process", nx=True, ex=EVERY):
            return "another process"
    except redis.RedisError:
        pass  # better twice than never
    told_by = told(note)
    if not told_by:
        with suppress(redis.RedisError):
            quick().delete(key)
    return told_by


def told(note: Note) -> str:
    """By the bot of the environment, which stands in no row."""
    alert = Alert(pk=0, name=note.name, level=note.level, text=note.text, count=note.count)
    alert.raised_at, alert.repeated_at = note.first_at, note.last_at
    news = news_of(alert, datetime.now(UTC))
    try:
        if means.chat_of(news.level) and settings.TELEGRAM_BOT_TOKEN:
            means.by_telegram(TelegramTransport(Account("", settings.TELEGRAM_BOT_TOKEN)), news)
            return "Telegram"
    except (Failure, Misconfigured) as error:
        log.warning("alert not told by Telegram", extra={"alert": note.name, "error": str(error)})
    try:
        return means.by_fallback(news)
    except Failure as error:
        log.warning("alert not told", extra={"alert": note.name, "error": str(error)})
        return ""


book = Book()
