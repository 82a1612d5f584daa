"""Lengths of time in words, as short as can be read at a glance."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import pgettext

from khronos.observability.lengths import words

__all__ = ["after", "ago", "ago_s", "exact", "took", "until", "words"]


def exact(seconds: float) -> str:
    """The same, for what is over in a moment."""
    return f"{round(seconds * 1000)} ms" if abs(seconds) < 1 else words(seconds)


def after(seconds: float) -> str:
    """Since the beginning of a story."""
    return f"+{exact(seconds)}"


def took(seconds: float) -> str:
    """Nothing of what took no time that anybody would see."""
    return exact(seconds) if seconds >= 0.001 else ""


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
