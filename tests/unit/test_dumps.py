"""Which dumps of PostgreSQL are kept."""

from datetime import UTC, datetime, timedelta

from pytest_django import Settings

from khronos.backup.postgres_dumps import Dump, superfluous

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


def hours_ago(hours: float) -> Dump:
    at = NOW - timedelta(hours=hours)
    return Dump(f"{at:%d-%H}", at, "0/0", 1)


def test_each_is_kept_for_a_day_and_the_last_of_each_day_for_a_week(settings: Settings) -> None:
    settings.BACKUP_KEPT = timedelta(days=7)
    dumps = [hours_ago(hours) for hours in range(24 * 10, -1, -1)]
    gone = superfluous(dumps, NOW)
    kept = [dump.name for dump in dumps if dump not in gone]
    assert kept[:7] == ["14-23", "15-23", "16-23", "17-23", "18-23", "19-23", "20-12"]
    assert len(kept[6:]) == 25, "of the last day none is missing"


def test_the_newest_is_kept_however_old_it_is(settings: Settings) -> None:
    settings.BACKUP_KEPT = timedelta(days=7)
    assert superfluous([hours_ago(24 * 60)], NOW) == []
