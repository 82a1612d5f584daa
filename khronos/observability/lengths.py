"""Lengths of time in words, in the language of whoever reads them."""

from django.utils.formats import number_format
from django.utils.translation import gettext as _


def words(seconds: float) -> str:
    """In one unit, as short as can be read at a glance."""
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
