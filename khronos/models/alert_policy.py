"""When an alert is told, and again: levels and distances in time, as rows and their statements use them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Case, Q, When

LEVELS = ("info", "warning", "error", "critical")
URGENT = LEVELS[2:]  # nobody lets it wait for the morning
EVERY = timedelta(minutes=5)  # the same alert is told at most so often, and then seldomer
SELDOMEST = timedelta(minutes=30)
FLAPPING = timedelta(minutes=10)  # what comes back within this has not been over: its life goes on
LEASE = timedelta(seconds=120)  # above what all means of telling together may take
LONG_AGO = timedelta(days=1)


def gap(tellings: int) -> timedelta:
    """How long people hear nothing more after so many messages: 5, 10, 20, 30, 30 … minutes."""
    doublings = min(max(tellings, 1) - 1, 10)
    return min(EVERY * (1 << doublings), SELDOMEST)


def below(level: str) -> Sequence[str]:
    return LEVELS[: LEVELS.index(level)]


def worse(level: str) -> Q:
    """Alerts that get worse by this level than they are, and than people were told."""
    return Q(level__in=below(level), told_level__in=["", *below(level)])


def moment_or_null(*cases: When, default: Any) -> Case:
    return Case(*cases, default=default, output_field=models.DateTimeField())
