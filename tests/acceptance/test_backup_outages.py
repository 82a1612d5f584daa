"""Where copies lie fails in every way: it is noticed in time, named rightly, and healed by itself."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from khronos.backup import engine, validate, watch
from khronos.backup.validate import nobody
from khronos.management.commands import backup as command
from khronos.models import Alert, BackupState
from tests.integration.copied import Keeper, copied, keys, record_event
from tests.s3 import S3

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]
PATIENCE_S = 1.0
HEALED_S = 10.0


@pytest.fixture
def keeper(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, bucket: S3
) -> Iterator[Keeper]:
    """The copied database is another than the one in which alerts are kept: that one is the tests' own."""
    settings.BACKUP_PATIENCE_S = PATIENCE_S
    with copied(tmp_path, settings, bucket) as keeper:
        for module in (engine, validate, watch, command):
            monkeypatch.setattr(module, "engine", lambda: keeper.engine)
        watch.watch()
        yield keeper


def open_alerts() -> set[str]:
    return set(Alert.objects.open().filter(count__gt=0).values_list("name", flat=True))


def looked() -> str:
    """What a look finds, and within its time."""
    began = time.monotonic()
    state = watch.watch()
    assert time.monotonic() - began < 2 * PATIENCE_S + 1
    assert state is not None
    return state.trouble


def status(capsys: pytest.CaptureFixture[str]) -> tuple[bool, str]:
    try:
        call_command("backup", "status", lang="en")
    except SystemExit:
        return False, capsys.readouterr().out
    return True, capsys.readouterr().out


AWAY = "Where the copies lie does not answer"
OUTAGES: dict[str, tuple[Callable[[S3], None], str]] = {
    "away": (lambda bucket: bucket.gate.leave(), AWAY),
    "frozen": (lambda bucket: bucket.gate.freeze(), AWAY),
}


@pytest.mark.parametrize("name", OUTAGES)
def test_a_bucket_that_does_not_answer_is_named_and_copies_go_on_by_themselves(
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
    is_well, shown = status(capsys)
    assert not is_well
    assert f"❌ arrives  {said}" in shown
    bucket.gate.come_back()
    heal(keeper)
    assert status(capsys)[0]
    assert keys(keeper.engine.restore(str(tmp_path / "after.sqlite3"), None, nobody).place) == ["meanwhile"]


def heal(keeper: Keeper) -> None:
    deadline = time.monotonic() + HEALED_S
    while looked():
        assert time.monotonic() < deadline, BackupState.now().trouble
    assert open_alerts() == set()
