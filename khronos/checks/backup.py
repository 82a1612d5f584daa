"""Do copies of the database arrive, and was the last one that was tried any good? (docs/backup.md)"""

from django.utils import timezone

from khronos.backup.engine import BackupFailed, engine
from khronos.models import BackupCheck, BackupState
from khronos.observability.health import Amiss
from khronos.observability.lengths import words
from khronos.observability.said import Said as _
from khronos.observability.said import joined

PATIENCE_S = 2.0


def backup() -> str:
    try:
        age_s = engine().sync_now(PATIENCE_S)
    except BackupFailed as error:
        raise Amiss(error.told) from None
    state = BackupState.now()
    if state.trouble:
        raise Amiss(state.trouble)
    copied = _("copied %(age)s ago") % {"age": words(age_s)} if age_s else _("copied just now")
    return joined(", ", (copied, tried()))


def tried() -> str:
    trial = BackupCheck.objects.newest()
    if trial is None or trial.ended_at is None:
        return _("not tried yet")
    if not trial.ok:
        raise Amiss(_("the copy that was tried is not good: %(why)s") % {"why": trial.verdict})
    age = words((timezone.now() - trial.ended_at).total_seconds())
    return _("restored on trial %(age)s ago") % {"age": age}
