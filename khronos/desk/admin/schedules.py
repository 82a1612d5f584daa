"""Beat's timetable, in the look of the rest."""

from typing import Any

from django.contrib import admin
from django_celery_beat import admin as beat
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from khronos.desk.admin.base import Unfolded

for model in (PeriodicTask, ClockedSchedule, CrontabSchedule, IntervalSchedule, SolarSchedule):
    admin.site.unregister(model)


class TaskSelect(UnfoldAdminSelectWidget, beat.TaskSelectWidget):  # type: ignore[misc]
    """Beat's list of tasks in Unfold's dress."""


class TimetableForm(beat.PeriodicTaskForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelect()


@admin.register(PeriodicTask)
class TimetableAdmin(beat.PeriodicTaskAdmin, Unfolded[Any]):  # type: ignore[misc]
    form = TimetableForm
    date_hierarchy = None
    list_display = ("name", "enabled", "scheduler", "last_run_at", "total_run_count")
    list_filter = ("enabled", "one_off", "task")


@admin.register(IntervalSchedule)
class IntervalAdmin(beat.IntervalScheduleAdmin, Unfolded[Any]):  # type: ignore[misc]
    pass


@admin.register(CrontabSchedule)
class CrontabAdmin(beat.CrontabScheduleAdmin, Unfolded[Any]):  # type: ignore[misc]
    pass


@admin.register(ClockedSchedule)
class ClockedAdmin(beat.ClockedScheduleAdmin, Unfolded[Any]):  # type: ignore[misc]
    pass


@admin.register(SolarSchedule)
class SolarAdmin(beat.SolarScheduleAdmin, Unfolded[Any]):  # type: ignore[misc]
    pass
