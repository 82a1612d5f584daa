"""Do copies arrive? Where they lie is asked; what Litestream says of itself is not believed."""

import contextlib
import logging
from datetime import timedelta
from pathlib import Path

import psutil
from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from khronos.alerts import raise_alert, resolve_alert
from khronos.backup.engine import BackupFailed, NoCopy, Uncovered, engine
from khronos.bus import doorbell
from khronos.models import BackupCheck, BackupState
from khronos.observability.lengths import words
from khronos.resilience import roster

STALE, UNTRIED = "backup.stale", "backup.untried"
TRIAL_TASK = "tasks.ops.try_copy"
UNTRIED_AFTER = timedelta(hours=13)  # two trials that did not end
MEND_APART = timedelta(minutes=5)
FIRST_TRIAL_APART = timedelta(minutes=10)
GRACE = timedelta(minutes=1)  # after the first look: the first copy is being made
KEEPER = "litestream"

log = logging.getLogger(__name__)


def watch() -> BackupState | None:
    """By beat. Tells when copies are late, and when they are in time again."""
    try:
        copies = engine()
    except Uncovered:
        return None
    state, is_bare = BackupState.now(), False
    try:
        keep(trouble="", arrived_at=Now() - timedelta(seconds=copies.age()))
    except BackupFailed as error:
        keep(trouble=error.told[:500])
        is_bare = isinstance(error, NoCopy) and timezone.now() - state.since > GRACE
        if is_bare:
            begin_anew()
    state.refresh_from_db()
    tell(state, is_bare=is_bare)
    look_at_trials(state)
    return state


def keep(**changes: object) -> None:
    BackupState.objects.filter(pk=BackupState.ONLY).update(asked_at=Now(), **changes)


def tell(state: BackupState, *, is_bare: bool) -> None:
    """That nothing at all is there is told at once: it cannot be slowness."""
    if state.is_stale or is_bare:
        raise_alert(STALE, "error", f"The newest copy is {words(state.age_s)} old. {state.trouble}")
    elif not state.trouble:
        resolve_alert(STALE)


def begin_anew() -> None:
    """Litestream fills an emptied bucket only when it starts: the supervisor starts it again."""
    anew = Q(mended_at=None) | Q(mended_at__lt=Now() - MEND_APART)
    if not BackupState.objects.filter(anew, pk=BackupState.ONLY).update(mended_at=Now()):
        return
    for entry in roster.read(Path(settings.KHRONOS_HOME) / "run" / "processes.json"):
        process = entry.identity.process() if entry.name == KEEPER and entry.identity else None
        if process is not None:
            log.warning("no whole copy is there: litestream starts anew")
            with contextlib.suppress(psutil.Error):
                process.terminate()


def look_at_trials(state: BackupState) -> None:
    """A first one is not waited for; that none ends is an alert."""
    newest = BackupCheck.objects.newest()
    if newest is None and not state.trouble:
        begun = BackupCheck.objects.filter(begun_at__gt=Now() - FIRST_TRIAL_APART)
        if not begun.exists():
            doorbell.call(TRIAL_TASK, "ops")
    last = newest.ended_at if newest and newest.ended_at else state.since
    if timezone.now() - last > UNTRIED_AFTER:
        age = words((timezone.now() - last).total_seconds())
        raise_alert(UNTRIED, "error", f"No copy was restored on trial for {age}.")
    else:
        resolve_alert(UNTRIED)
