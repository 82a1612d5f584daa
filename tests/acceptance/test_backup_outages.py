"""Where copies lie fails in every way: it is noticed in time, named rightly, and healed by itself."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from bench.patience import until
from khronos.backup import configured, engine, validate, watch
from khronos.backup.engine import nobody
from khronos.backup.validate import try_newest
from khronos.checks import backup as checks
from khronos.management.commands import backup as command
from khronos.models import Alert, BackupState
from khronos.observability.health import Amiss
from tests.integration.copied import Keeper, copied, keys, record_event
from tests.s3 import S3
from tests.stopwatch import Stopwatch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]
PATIENCE_S = 1.0
FULL = "The disk is full"
HEALED_S = 40.0  # Litestream may be in the middle of a wait of its own, which grows


@pytest.fixture
def keeper(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, bucket: S3
) -> Iterator[Keeper]:
    with begun(tmp_path, settings, monkeypatch, bucket) as keeper:
        yield keeper


@contextmanager
def begun(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, bucket: S3 | None = None
) -> Iterator[Keeper]:
    """The copied database is another than the one in which alerts are kept: that one is the tests' own."""
    settings.BACKUP_PATIENCE_S = PATIENCE_S
    with copied(tmp_path, settings, bucket) as keeper:
        for module in (engine, validate, watch, command, checks):
            monkeypatch.setattr(module, "engine", lambda: keeper.engine)
        watch.watch()
        yield keeper


def open_alerts() -> set[str]:
    return set(Alert.objects.open().filter(count__gt=0).values_list("name", flat=True))


def looked() -> str:
    """What a look finds, and within its time."""
    with Stopwatch() as stopwatch:
        state = watch.watch()
    assert stopwatch.took_s < 2 * PATIENCE_S + 1
    assert state is not None
    return state.trouble


def status(capsys: pytest.CaptureFixture[str]) -> tuple[bool, str]:
    try:
        call_command("backup", "status", lang="en")
    except SystemExit:
        return False, capsys.readouterr().out
    return True, capsys.readouterr().out


AWAY, REFUSED = "Where the copies lie does not answer", "Where the copies lie refuses us"
OUTAGES: dict[str, tuple[Callable[[S3], None], str]] = {
    "away": (lambda bucket: bucket.gate.leave(), AWAY),
    "frozen": (lambda bucket: bucket.gate.freeze(), AWAY),
    "wrong key": (lambda bucket: bucket.gate.refuse(), REFUSED),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name == "away" else []) for name in OUTAGES]
)
def test_a_bucket_that_fails_is_named_and_copies_go_on_by_themselves(
    keeper: Keeper, bucket: S3, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    strike, said = OUTAGES[name]
    strike(bucket)
    record_event(keeper, "meanwhile")
    assert said in looked()
    assert open_alerts() == set(), "it is not late yet"
    BackupState.objects.update(arrived_at=timezone.now() - timedelta(seconds=61))
    assert said in looked()
    assert open_alerts() == {"backup.stale"}
    assert_named(said, capsys)
    check = try_newest()
    assert check.verdict.startswith(said)
    assert not configured.whole_wanted().exists(), "nothing tells that copies are damaged"
    bucket.gate.come_back()
    heal(keeper, tmp_path, "meanwhile")
    assert status(capsys)[0]


def assert_named(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By `backup status`, and by the line of `validate` and `doctor`."""
    is_well, shown = status(capsys)
    assert not is_well
    assert f"❌ arrives  {said}" in shown
    with pytest.raises(Amiss, match=said):
        checks.backup()


def heal(keeper: Keeper, tmp_path: Path, *written: str) -> None:
    """Without anybody's doing; what was written meanwhile is there."""
    assert until(lambda: not looked(), HEALED_S, every=0.2), BackupState.now().trouble
    assert try_newest().ok
    assert open_alerts() == set()
    restored = keeper.engine.restore(str(tmp_path / "healed.sqlite3"), None, nobody)
    assert keys(restored.place) == list(written)


def test_a_wiped_bucket_is_told_at_once_and_filled_again(
    keeper: Keeper, bucket: S3, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record_event(keeper, "before")
    keeper.enlist()
    BackupState.objects.update(since=timezone.now() - timedelta(seconds=61))
    bucket.wipe()
    is_well, shown = status(capsys)
    assert not is_well
    assert "❌ arrives  There is no whole copy" in shown
    assert "There is no whole copy" in looked()
    assert open_alerts() == {"backup.stale"}
    assert Alert.objects.get(name="backup.stale").text.startswith("There is no whole copy")
    keeper.await_anew()
    heal(keeper, tmp_path, "before")
    assert bucket.names()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Callable[[str, int], Path]]:
    """Makes a disk of so many bytes below the backup's folder."""
    if os.geteuid():
        pytest.skip("only root mounts a small disk")
    made: list[Path] = []

    def disk(name: str, size: int) -> Path:
        place = tmp_path / "backup" / name
        place.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
        made.append(place)
        return place

    yield disk
    for place in made:
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filler


def test_a_full_disk_where_copies_lie_is_named_and_copies_go_on_when_there_is_room(
    small: Callable[[str, int], Path],
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    disk = small("litestream", 4_000_000)
    with begun(tmp_path, settings, monkeypatch) as keeper:
        filler = fill(disk)
        record_event(keeper, "meanwhile")
        assert FULL in looked()
        BackupState.objects.update(arrived_at=timezone.now() - timedelta(seconds=61))
        looked()
        assert open_alerts() == {"backup.stale"}
        assert_named(FULL, capsys)
        filler.unlink()
        heal(keeper, tmp_path, "meanwhile")


def test_a_trial_without_room_says_so_and_the_next_one_is_good(
    small: Callable[[str, int], Path], tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = small("scratch", 2_000_000)
    with begun(tmp_path, settings, monkeypatch) as keeper:
        record_event(keeper, "before")
        keeper.execute("CREATE TABLE large (bits)")
        keeper.execute("INSERT INTO large VALUES (zeroblob(?))", 3_000_000)
        keeper.engine.sync_now(5.0)
        check = try_newest()
        assert "A restored copy needs 4 MB, and 2 MB are free" in check.verdict
        assert open_alerts() == {"backup.invalid"}
        assert not configured.whole_wanted().exists()
        subprocess.run(["mount", "-o", "remount,size=20000000", disk], check=True)
        heal(keeper, tmp_path, "before")
