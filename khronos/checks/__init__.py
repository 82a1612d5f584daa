"""Every part that is looked at unasked, and how often (docs/checks.md)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from khronos import extensions
from khronos.checks import backup, certificate, database, machine, memory, providers, timetable, webhook
from khronos.models import Alert
from khronos.observability import health

MINUTE, SELDOM = timedelta(minutes=1), timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Look:
    """`ask` answers what it saw, or raises why that is not good."""

    ask: Callable[[], str]
    every: timedelta = MINUTE
    level: str = Alert.Level.ERROR  # "": somebody else raises the alert
    patience: int = 2  # bad looks in a row before anybody is told: one may be a blip
    deadline_s: float = 5.0


LOOKS: dict[str, Look] = {
    "database": Look(database.database, level=Alert.Level.CRITICAL),
    "redis": Look(health.redis_server),
    "broker": Look(health.broker),
    "workers": Look(health.workers),
    "beat": Look(timetable.beat),
    "disk": Look(health.disk, patience=1),
    "memory": Look(memory.memory, level=Alert.Level.WARNING),
    "clock": Look(machine.clock, level=Alert.Level.WARNING, patience=1),
    "webhook": Look(webhook.webhook, level="", deadline_s=12.0),
    "providers": Look(providers.providers, every=SELDOM, level=Alert.Level.WARNING, deadline_s=12.0),
    "certificate": Look(certificate.certificate, every=SELDOM, patience=1, deadline_s=8.0),
    "backup": Look(backup.backup, level=""),
}
for _name in extensions.names("checks"):
    if _name in LOOKS:
        raise extensions.lacking("checks", _name, "is called as one of ours", "rename the file.")
    LOOKS[_name] = extensions.one_of("checks", _name, Look, "one Look (docs/extending.md).")
