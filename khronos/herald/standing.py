"""Was it told, by what and when; and if not, why not: for the operator's pages and commands."""

from django.utils import timezone
from django.utils.translation import gettext as _

from khronos.alerts.words import clock_time, muting
from khronos.models import Alert
from khronos.observability.lengths import words


def standing(alert: Alert) -> str:
    now = timezone.now()
    if alert.resolved_at is None and alert.is_muted(now):
        return muting(alert)
    told = ""
    if alert.told_at is not None:
        facts = {"by": alert.told_by, "ago": words((now - alert.told_at).total_seconds())}
        told = _("told by %(by)s %(ago)s ago") % facts
    if alert.tell_at is None:
        return told or _("nobody was told")
    return f"{told}; {waiting(alert)}" if told else waiting(alert)


def waiting(alert: Alert) -> str:
    """Why it is not told at this moment."""
    if alert.waits == Alert.Waits.NIGHT and alert.tell_at is not None:
        return _("waits for the end of the quiet hours, %(time)s") % {
            "time": clock_time(alert.tell_at, timezone.now())
        }
    if alert.waits:
        why = alert.trouble or alert.get_waits_display()
        return _("not told yet: %(why)s") % {"why": why}
    return _("to be told in a moment") if not alert.told_at else _("more to be told later")
