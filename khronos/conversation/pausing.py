"""Pause and resume: what shall wait, and goes on at once when it may (docs/operating.md).

A pause is a row that keeps work from being due (khronos/models/pause.py). What is under way finishes.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from khronos.alerts import end_alert, raise_alert
from khronos.bus.routes import DELIVERY_TASK, TURN_TASK, Route
from khronos.conversation import sweep
from khronos.models import Channel, Conversation, Delivery, Pause, Tenant, Turn
from khronos.models.pause import HELD_BY, Pausable, subject
from khronos.models.work import WorkQuerySet

log = logging.getLogger(__name__)

UNDER_WAY = (Turn.State.WORKING, Delivery.State.SENDING)


class NotPausable(Exception):
    """There is no such thing; the text says what there is."""


@dataclass(frozen=True, slots=True)
class Held:
    """How much waits for a pause to end."""

    turns: int
    deliveries: int

    def __str__(self) -> str:
        turns = ngettext("%(n)s turn", "%(n)s turns", self.turns) % {"n": self.turns}
        deliveries = ngettext("%(n)s delivery", "%(n)s deliveries", self.deliveries) % {"n": self.deliveries}
        if self.turns and self.deliveries:
            return _("%(turns)s and %(deliveries)s") % {"turns": turns, "deliveries": deliveries}
        return turns if self.turns else deliveries if self.deliveries else _("nothing")


def pause(what: Pausable, by: str) -> bool:
    """False where it was paused already."""
    made, is_new = Pause.objects.get_or_create(**subject(what), defaults={"by": by})
    if is_new:
        raise_alert(alert_of(made), "info", f"{made} is paused by {by}: what comes in is kept, and waits.")
    return is_new


def resume(what: Pausable, by: str) -> Held | None:
    """What was rung for; None where nothing was paused. What another pause holds goes on waiting."""
    ended = Pause.objects.of(what).known().first()
    if ended is None:
        return None
    with transaction.atomic():
        if not Pause.objects.filter(pk=ended.pk).delete()[0]:
            return None  # somebody was quicker
        # `resolve_alert` trusts what its process did ten seconds ago; the pause may be another process's.
        end_alert(alert_of(ended))
    log.info("resumed", extra={"paused": str(ended), "by": by})
    rung = {route: ring(rows, route) for route, rows in rows_of(ended)}
    return Held(rung.get(TURN_TASK, 0), rung.get(DELIVERY_TASK, 0))


def ring(rows: WorkQuerySet[Any], route: Route) -> int:
    """For all that are due, the oldest first. What the broker does not take now is unrung, and swept."""
    rows.filter(due_at__lte=Now()).change(rung_at=None)
    count = 0
    while rung := sweep.ring_for(rows.due().filter(rung_at=None), route):
        count += rung
    return count


def waiting(pause: Pause) -> Held:
    counts = {
        route: rows.exclude(state__in=UNDER_WAY, due_at__gt=Now()).count() for route, rows in rows_of(pause)
    }
    return Held(counts.get(TURN_TASK, 0), counts.get(DELIVERY_TASK, 0))


def rows_of(pause: Pause) -> Iterator[tuple[Route, WorkQuerySet[Any]]]:
    """The unsettled rows that this pause keeps from being due."""
    for route, rows in ((TURN_TASK, Turn.objects.unsettled()), (DELIVERY_TASK, Delivery.objects.unsettled())):
        if pause.queue == route.queue:
            yield route, rows
        elif pause.kind in HELD_BY[route.queue]:
            path = "conversation" if pause.kind == "conversation" else f"conversation__{pause.kind}"
            yield route, rows.filter(**{path: pause.subject})


def find(kind: str, name: str) -> Pausable:
    """By the words of a command. Raises NotPausable, with what there is instead."""
    if kind == "queue":
        if name in Pause.Queue:
            return name
        raise NotPausable(missing(kind, name, Pause.Queue.values))
    if kind == "conversation":
        if talk := conversation(name):
            return talk
        raise NotPausable(
            _("There is no conversation %(name)s. Its id ends the address of its page in the admin.")
            % {"name": name}
        )
    nouns: dict[str, type[Channel | Tenant]] = {"channel": Channel, "tenant": Tenant}
    rows = nouns[kind]._default_manager.order_by("slug")
    if what := rows.filter(slug=name).first():
        return what
    raise NotPausable(missing(kind, name, rows.values_list("slug", flat=True)[:20]))


def missing(kind: str, name: str, there_are: Iterable[str]) -> str:
    facts = {"what": f"{kind} {name}", "names": ", ".join(there_are) or "–"}
    return _("There is no %(what)s. There are: %(names)s.") % facts


def conversation(name: str) -> Conversation | None:
    try:
        return Conversation.objects.filter(pk=UUID(name)).first()
    except ValueError:
        return None


def alert_of(pause: Pause) -> str:
    return f"paused.{pause.kind}.{pause.name}"
