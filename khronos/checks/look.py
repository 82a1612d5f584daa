"""Look at what is due, keep what was seen, tell when it changes. One that hangs delays none."""

import time
from functools import cache

from khronos.alerts import raise_alert, resolve_alert
from khronos.checks import LOOKS
from khronos.models import HealthCheck
from khronos.observability.health import Check, Result
from khronos.observability.said import joined, translated
from khronos.observability.secrecy import scrub


def look_around() -> list[str]:
    """By beat, once a minute. Answers what was looked at."""
    HealthCheck.objects.exclude(name__in=LOOKS).delete()  # of an older version
    due = [name for name, look in LOOKS.items() if HealthCheck.objects.claim(name, look.every)]
    for name in due:
        asking(name).start()
    began = time.monotonic()
    for name in sorted(due, key=lambda name: LOOKS[name].deadline_s):
        keep(name, asking(name).wait(began + LOOKS[name].deadline_s))
    return due


@cache
def asking(name: str) -> Check:
    """A thread of its own for each: one that hangs is not asked again before it answers."""
    return Check(LOOKS[name].ask, LOOKS[name].deadline_s)


def keep(name: str, seen: Result) -> None:
    detail, told = scrub(seen.detail), {code: scrub(text) for code, text in translated(seen.detail).items()}
    row = HealthCheck.objects.keep(name, seen.ok, detail, seen.took_ms, told)
    look = LOOKS[name]
    if not look.level:
        return
    if seen.ok:
        resolve_alert(f"check.{name}")
    elif row.looks >= look.patience:
        raise_alert(f"check.{name}", seen.level or look.level, joined(": ", (name, seen.detail)))
