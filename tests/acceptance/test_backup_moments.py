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

pytestmark = pytest.mark.django_db
EVERY_S = 0.1
WRITTEN_S = 4.0
MOMENTS = 5
WITHIN = timedelta(seconds=1)


@pytest.mark.parametrize("place", ["folder", pytest.param("bucket", marks=pytest.mark.slow)])
def test_newest_row_of_a_restored_moment_is_of_the_second_before_it(
    place: str,
    tmp_path: Path,
    settings: Settings,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    bucket: S3 | None = request.getfixturevalue("bucket") if place == "bucket" else None
    chance = random.Random(place)
    with copied(tmp_path, settings, bucket) as keeper:
        with writing(keeper, EVERY_S):
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
            behind.append(at - found[-1])
    record_property("behind_s", [each.total_seconds() for each in behind])
    print(place, *(f"{each.total_seconds():.2f}" for each in behind))  # noqa: T201
    assert all(timedelta(0) <= each <= WITHIN for each in behind), behind
