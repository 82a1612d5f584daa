"""Does beat fire? Its last firing is in the database, whoever holds the lease."""

from django.db.models import Max
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from khronos.observability.health import Amiss
from khronos.observability.said import Said as _

LATE_S = 180  # the timetable has something every 30 s; a restart and a lease take a minute


def beat() -> str:
    last = PeriodicTask.objects.filter(enabled=True).aggregate(last=Max("last_run_at"))["last"]
    if last is None:
        return _("nothing fired yet")
    age_s = (timezone.now() - last).total_seconds()
    if age_s > LATE_S:
        raise Amiss(_("nothing fired for %(n)s s") % {"n": round(age_s)})
    return _("fired %(n)s s ago") % {"n": max(0, round(age_s))}
