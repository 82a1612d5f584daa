"""How late the copies of the database are, and whether the last one that was tried was good."""

from collections.abc import Iterator

from prometheus_client import Metric

from khronos.backup.engine import engine
from khronos.facts.gauges import gauge
from khronos.models import BackupCheck, BackupState


def backup() -> Iterator[Metric]:
    age_s = backup_age_s()
    if age_s is not None:
        yield gauge(
            "khronos_backup_age_seconds", "Since what was committed had surely arrived in the backup.", age_s
        )
        yield gauge("khronos_backup_late_after_seconds", "A copy that is older is late.", engine().late_s)
    trial = BackupCheck.objects.newest()
    if trial is not None and trial.ended_at is not None:
        yield gauge("khronos_backup_valid", "1: the last copy restored on trial was whole.", float(trial.ok))
        yield gauge(
            "khronos_backup_trial_time_seconds", "When the last trial ended.", trial.ended_at.timestamp()
        )


def backup_age_s() -> float | None:
    """None where nobody has looked yet, or nobody has to. It grows while nobody looks."""
    state = BackupState.objects.filter(pk=BackupState.ONLY).first()
    return None if state is None else state.age_s
