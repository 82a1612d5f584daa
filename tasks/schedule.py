"""The whole timetable. It is copied into the database once; from then on the admin's word counts."""

from dataclasses import dataclass

from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask


@dataclass(frozen=True, slots=True)
class Every:
    seconds: int


@dataclass(frozen=True, slots=True)
class Daily:
    hour: int  # UTC
    minute: int = 0


TIMETABLE: dict[str, tuple[str, Every | Daily]] = {
    "Sweep for what is due": ("tasks.ops.sweep", Every(30)),
    "Tell of alerts": ("tasks.alerts.tell", Every(60)),
    "Read what is new": ("tasks.embeddings.sweep", Every(10)),
    "Embed anew what grew old": ("tasks.embeddings.refresh", Every(3600)),
    "Look for trouble": ("tasks.alerts.watch_out", Every(30)),
    "Watch Telegram's channels": ("tasks.ops.watch_channels", Every(300)),
    "Look at every part": ("tasks.ops.look_around", Every(60)),
    "See whether copies arrive": ("tasks.ops.watch_copies", Every(30)),
    "Restore the newest copy on trial": ("tasks.ops.try_copy", Every(6 * 3600)),
    "Sum up what is old": ("tasks.ops.sum_up", Every(20)),
    "Let questions lapse": ("tasks.ops.let_questions_lapse", Every(30)),
    "Give back what people leave alone": ("tasks.ops.give_back_what_is_left_alone", Every(300)),
    "Look at budgets": ("tasks.ops.watch_budgets", Every(60)),
    "Forget old usage": ("tasks.ops.forget_usage", Daily(3, 45)),
    "Forget old files": ("tasks.media.forget", Daily(3, 15)),
    "Forget old updates": ("tasks.ops.forget_updates", Daily(3, 30)),
}


def install() -> None:
    """Add what is missing; what an operator changed stays as it is."""
    for name, (task, when) in TIMETABLE.items():
        if not PeriodicTask.objects.filter(name=name).exists():
            PeriodicTask.objects.create(name=name, task=task, **clock(when))


def clock(when: Every | Daily) -> dict[str, IntervalSchedule | CrontabSchedule]:
    if isinstance(when, Every):
        interval, _ = IntervalSchedule.objects.get_or_create(
            every=when.seconds, period=IntervalSchedule.SECONDS
        )
        return {"interval": interval}
    crontab, _ = CrontabSchedule.objects.get_or_create(hour=str(when.hour), minute=str(when.minute))
    return {"crontab": crontab}
