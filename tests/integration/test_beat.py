"""Two beats never fire the same twice."""

from datetime import timedelta

import pytest
import redis
from django.db.models.functions import Now
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from khronos.celery import app
from khronos.launch.beat import LeasedScheduler
from khronos.models import Lease


@pytest.fixture
def entry(transactional_db: None, bus: "redis.Redis") -> PeriodicTask:
    """Due now, and then not for an hour."""
    PeriodicTask.objects.all().delete()
    hourly = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.HOURS)
    return PeriodicTask.objects.create(
        name="sweep",
        task="tasks.ops.sweep",
        queue="ops",
        interval=hourly,
        last_run_at=timezone.now() - timedelta(hours=2),
    )


def scheduler(holder: str) -> LeasedScheduler:
    made = LeasedScheduler(app=app)
    made.holder = holder
    return made


def run(beat: LeasedScheduler) -> None:
    for _ in range(5):
        beat.tick()


def expire() -> None:
    Lease.objects.update(expires_at=Now() - timedelta(seconds=1))


def test_only_the_holder_fires(entry: PeriodicTask, bus: "redis.Redis") -> None:
    one, two = scheduler("one"), scheduler("two")
    run(one)
    run(two)
    assert bus.llen("ops") == 1
    assert not two.holds


def test_the_next_holder_knows_what_was_fired(entry: PeriodicTask, bus: "redis.Redis") -> None:
    one, two = scheduler("one"), scheduler("two")
    assert len(two.schedule) >= 1  # read before the firing
    run(one)
    expire()
    run(two)
    assert bus.llen("ops") == 1
    assert two.holds


def test_who_slept_through_its_lease_fires_nothing(entry: PeriodicTask, bus: "redis.Redis") -> None:
    one, two = scheduler("one"), scheduler("two")
    one.holds = Lease.objects.hold("beat", "one", timedelta(seconds=30))
    one.read_anew()
    expire()
    run(two)
    for event in [*one.schedule.values()]:
        one.apply_entry(event)
    assert bus.llen("ops") == 1
    assert not one.holds


def test_a_clean_end_lets_the_next_one_go_on_at_once(entry: PeriodicTask) -> None:
    one, two = scheduler("one"), scheduler("two")
    run(one)
    one.close()
    run(two)
    assert two.holds


def test_clock_that_was_put_back_does_not_stop_the_timetable(entry: PeriodicTask) -> None:
    PeriodicTask.objects.update(last_run_at=timezone.now() + timedelta(hours=2))
    run(scheduler("one"))
    assert PeriodicTask.objects.get(pk=entry.pk).last_run_at <= timezone.now()
