"""A moment that is asked for comes back as it was then, to within a second."""

import random
import time
from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from khronos.backup.engine import nobody
from tests.acceptance.test_backup_kills import times, writing
from tests.integration.copied import copied
from tests.s3 import S3
from tests.stopwatch import Stopwatch

pytestmark = pytest.mark.django_db
EVERY_S = 0.1
WRITTEN_S = 4.0
MOMENTS = 5
WITHIN = timedelta(seconds=1)


@pytest.mark.parametrize("place", ["folder", pytest.param("bucket", marks=pytest.mark.slow)])
def test_restored_moment_lacks_nothing_from_before_the_last_second(
    place: str,
    tmp_path: Path,
    settings: Settings,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    bucket: S3 | None = request.getfixturevalue("bucket") if place == "bucket" else None
    chance = random.Random(place)
    with copied(tmp_path, settings, bucket) as keeper:
        with Stopwatch() as watch, writing(keeper, EVERY_S):
            time.sleep(WRITTEN_S)
        keeper.engine.sync_now(5.0)
        there = times(keeper.engine.live)
        behind = []
        for number in range(MOMENTS):
            at = there[0] + chance.uniform(0.25, 1.0) * (there[-1] - there[0])
            to = str(tmp_path / f"{number}.sqlite3")
            keeper.engine.restore(to, at.replace(tzinfo=UTC), nobody)
            found = times(to)
            assert found == there[: len(found)]
            assert found[-1] <= at
            lacking = [row for row in there[len(found) :] if row <= at]  # the writer itself may have paused
            behind.append(at - lacking[0] if lacking else timedelta(0))
    record_property("behind_s", [each.total_seconds() for each in behind])
    print(place, *(f"{each.total_seconds():.2f}" for each in behind))  # noqa: T201
    assert max(behind) <= WITHIN + timedelta(seconds=watch.stood_s), behind
