"""Lengths of time in words, as short as can be read at a glance."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import pgettext

from khronos.observability.lengths import words

__all__ = ["ago", "ago_s", "exact", "until", "words"]


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
