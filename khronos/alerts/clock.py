"""The clock of alerts: the database's own, in the one place where a test may set it."""

from django.db.models.expressions import Combinable
from django.db.models.functions import Now


def moment() -> Combinable:
    return Now()
