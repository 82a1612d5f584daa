"""Lengths of time in words, as short as can be read at a glance."""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext


def words(seconds: float) -> str:
    """In one unit."""
    seconds = abs(seconds)
    if seconds < 10:
        return _("%(n)s s") % {"n": number_format(seconds, 1)}
    if seconds < 120:
        return _("%(n)s s") % {"n": round(seconds)}
    if seconds < 7200:
        return _("%(n)s min") % {"n": round(seconds / 60)}
    if seconds < 172_800:
        return _("%(n)s h") % {"n": round(seconds / 3600)}
    return _("%(n)s d") % {"n": round(seconds / 86_400)}


def exact(seconds: float) -> str:
    """The same, for what is over in a moment."""
    return f"{round(seconds * 1000)} ms" if abs(seconds) < 1 else words(seconds)


def ago(moment: datetime) -> str:
    return words((timezone.now() - moment).total_seconds())


def ago_s(moment_s: float) -> str:
    """Of seconds since the epoch."""
    return words(timezone.now().timestamp() - moment_s)


def until(moment: datetime) -> str:
    left = (moment - timezone.now()).total_seconds()
    if left >= 0:
        return pgettext("time to come", "in %s") % words(left)
    return pgettext("time that has passed", "%s ago") % words(left)
