"""Copies damaged where they lie: a trial names it, has a whole new one made, and the next is good."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from bench.patience import until
from khronos.backup import configured, engine, validate, watch
from khronos.backup.engine import nobody
from khronos.backup.validate import try_newest
from khronos.bus.connection import patient
from khronos.models import Alert, BackupCheck, BackupState
from tests.integration.copied import Keeper, copied, keys, record_event
from tests.s3 import S3

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]
ROWS = 6
FINE, WHOLE = 0, 9  # Litestream's levels
DAMAGED = "A copy is damaged or missing"

type Place = tuple[Keeper, S3 | None]


@pytest.fixture
def place(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Place]:
    """A folder, or else a bucket. Alerts are kept in the tests' own database; the copied one is another."""
    kind = getattr(request, "param", "folder")
    bucket: S3 | None = request.getfixturevalue("bucket") if kind == "bucket" else None
    with copied(tmp_path, settings, bucket) as keeper:
        for module in (engine, validate, watch):
            monkeypatch.setattr(module, "engine", lambda: keeper.engine)
        for number in range(ROWS):
            record_event(keeper, f"key {number}")
            keeper.engine.sync_now(5.0)
        keeper.enlist()
        yield keeper, bucket


def flip(bits: bytes) -> bytes:
    middle = len(bits) // 2
    return bits[:middle] + bytes([bits[middle] ^ 255]) + bits[middle + 1 :]


def delete(_bits: bytes) -> None:
    """All of it."""


def harm(bucket: S3 | None, level: int, change: Callable[[bytes], bytes | None]) -> None:
    """Done to the piece in the middle of a level."""
    if bucket is None:
        files = sorted(configured.folder().rglob(f"ltx/{level}/*.ltx"))
        file = files[len(files) // 2]
        bits = change(file.read_bytes())
        file.unlink()
        if bits is not None:
            file.write_bytes(bits)
        return
    names = [key for key in bucket.names() if f"/{level:04}/" in key]
    name = names[len(names) // 2]
    bits = change(bucket.read(name))
    bucket.delete(name)
    if bits is not None:
        bucket.write(name, bits)


def open_alerts() -> set[str]:
    return set(Alert.objects.open().filter(count__gt=0).values_list("name", flat=True))


@pytest.mark.parametrize(
    ("place", "level", "change"),
    [
        ("folder", FINE, flip),
        ("bucket", FINE, delete),
        pytest.param("folder", FINE, delete, marks=pytest.mark.slow),
        pytest.param("folder", WHOLE, flip, marks=pytest.mark.slow),
        pytest.param("bucket", FINE, flip, marks=pytest.mark.slow),
        pytest.param("bucket", WHOLE, flip, marks=pytest.mark.slow),
    ],
    indirect=["place"],
)
def test_a_damaged_piece_is_found_and_a_whole_new_copy_takes_its_place(
    place: Place, tmp_path: Path, level: int, change: Callable[[bytes], bytes | None]
) -> None:
    keeper, bucket = place
    assert try_newest().ok
    harm(bucket, level, change)
    check = try_newest()
    assert not check.ok
    assert check.verdict.startswith(DAMAGED)
    assert open_alerts() == {"backup.invalid"}
    keeper.await_anew()
    assert until(try_again, 10), BackupCheck.objects.newest()
    assert open_alerts() == set()
    record_event(keeper, "after")
    keeper.engine.sync_now(5.0)
    restored = keeper.engine.restore(str(tmp_path / "after.sqlite3"), None, nobody)
    assert keys(restored.place) == [*(f"key {number}" for number in range(ROWS)), "after"]
    assert not configured.whole_wanted().exists()


def try_again() -> bool:
    return try_newest().ok


def test_a_copy_that_tells_another_story_is_replaced_too(place: Place) -> None:
    """Its pages are whole, and a row is not what the database in use says."""
    keeper, _bucket = place
    keeper.kill()
    keeper.execute("UPDATE khronos_event SET trace_id = 'another' WHERE id = 3")
    check = try_newest()
    assert not check.ok
    assert "1 rows are altered (3)" in check.verdict
    assert configured.whole_wanted().exists()
    keeper.start()
    assert try_newest().ok
    assert not configured.whole_wanted().exists()


def test_a_whole_new_copy_is_made_once_in_six_hours(place: Place) -> None:
    keeper, bucket = place
    BackupState.now()
    BackupState.objects.update(replaced_at=timezone.now() - timedelta(hours=5))
    harm(bucket, WHOLE, flip)
    assert not try_newest().ok
    assert keeper.process is not None
    assert keeper.process.poll() is None
    assert not configured.whole_wanted().exists()


def test_a_trial_that_failed_is_repeated_when_copies_arrive_and_not_more_often(place: Place) -> None:
    keeper, _bucket = place
    BackupState.now()
    BackupCheck.objects.create(ended_at=timezone.now(), ok=False, verdict="away")
    assert rings_of_a_look() == 0
    BackupCheck.objects.update(begun_at=timezone.now() - timedelta(minutes=11))
    keeper.kill()
    assert rings_of_a_look() == 0
    keeper.start()
    assert rings_of_a_look() == 1


def rings_of_a_look() -> int:
    watch.watch()
    found: int = patient().llen("ops")
    return found
