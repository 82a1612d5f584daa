"""Do copies arrive? Where they lie is asked; what Litestream says of itself is not believed."""

from datetime import timedelta

from django.db.models.functions import Now
from django.utils import timezone

from khronos.alerts import raise_alert, resolve_alert
from khronos.backup import mend
from khronos.backup.engine import BackupFailed, Engine, NoCopy, engine
from khronos.bus import doorbell
from khronos.models import BackupCheck, BackupState
from khronos.observability.lengths import words
from khronos.observability.said import Said as _
from khronos.observability.said import joined

STALE, UNTRIED = "backup.stale", "backup.untried"
TRIAL_TASK = "tasks.ops.try_copy"
UNTRIED_AFTER = timedelta(hours=13)  # two trials that did not end
TRIALS_APART = timedelta(minutes=10)  # of those that nobody waits six hours for
GRACE = timedelta(minutes=1)  # after the first look: the first copy is being made
PACE = 5e6  # bytes of the database that it takes a second at least, on a slow way


def watch() -> BackupState:
    """By beat. Tells when copies are late, and when they are in time again."""
    copies, state, is_bare = engine(), BackupState.now(), False
    try:
        if copies.is_due() and mend.is_time(mend.APART):
            mend.ring()
        keep(trouble="", arrived_at=Now() - timedelta(seconds=copies.age()))
    except BackupFailed as error:
        keep(trouble=error.told[:500])
        is_bare = isinstance(error, NoCopy) and is_filled_anew(copies, state)
    state.refresh_from_db()
    tell(copies, state, is_bare=is_bare)
    look_at_trials(state)
    return state


def is_filled_anew(copies: Engine, state: BackupState) -> bool:
    """A first copy that is being made is left its time: begun anew before, it would never be there."""
    takes = GRACE + timedelta(seconds=copies.size(copies.live) / PACE)
    if timezone.now() - state.since <= takes:
        return False
    mend.fill(takes)
    return True


def keep(**changes: object) -> None:
    BackupState.objects.filter(pk=BackupState.ONLY).update(asked_at=Now(), **changes)


def tell(copies: Engine, state: BackupState, *, is_bare: bool) -> None:
    """That nothing at all is there is told at once: it cannot be slowness."""
    if is_bare:
        raise_alert(STALE, "error", state.trouble)
    elif state.age_s > copies.late_s:
        old = _("The newest copy is %(age)s old.")
        raise_alert(STALE, "error", joined(" ", (old % {"age": words(state.age_s)}, state.trouble)))
    elif not state.trouble:
        resolve_alert(STALE)


def look_at_trials(state: BackupState) -> None:
    """A first one is not waited for, nor one after a failure that may be over; that none ends is an alert."""
    newest = BackupCheck.objects.newest()
    if not state.trouble and (newest is None or not newest.ok):
        begun = BackupCheck.objects.filter(begun_at__gt=Now() - TRIALS_APART)
        if not begun.exists():
            doorbell.call(TRIAL_TASK, "ops")
    last = newest.ended_at if newest and newest.ended_at else state.since
    if timezone.now() - last > UNTRIED_AFTER:
        age = words((timezone.now() - last).total_seconds())
        raise_alert(UNTRIED, "error", _("No copy was restored on trial for %(age)s.") % {"age": age})
    else:
        resolve_alert(UNTRIED)
