"""What the herald must not miss: alerts that are due though nobody rang, and notes of the supervisor."""

import os
import time
from pathlib import Path

from django.conf import settings

from khronos.alerts import TELL_TASK, clock, end_alert, fit, keep
from khronos.bus import doorbell
from khronos.models import Alert
from khronos.observability.said import Said
from khronos.resilience.spool import Spool

RING_AGAIN_S = 5.0

_rung_at = [-RING_AGAIN_S]


def spool() -> Spool:
    """Left by the supervisor, which has neither Django nor a database (khronos/launch/announcer.py)."""
    return Spool(Path(settings.KHRONOS_HOME) / "run" / "alerts")


def sweep() -> None:
    take_notes()
    if time.monotonic() - _rung_at[0] >= RING_AGAIN_S and Alert.objects.due(clock.moment()).exists():
        _rung_at[0] = time.monotonic()
        doorbell.call(TELL_TASK, "ops")


def take_notes() -> int:
    """One that cannot be written down stays where it is."""
    count = 0
    if not os.path.isdir(spool().folder):
        return count
    for note in spool().take():
        name, level = str(note.get("name", "")), note.get("level")
        if level:
            keep(*fit(name, level, Said(note.get("text", "")) % note))
        else:
            end_alert(name)
        count += 1
    return count
