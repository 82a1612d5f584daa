"""What was asked of tools and what came of it, written behind the turn's fence."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models.functions import Now

from khronos.exceptions import LostLease
from khronos.models import ToolCall, ToolRound, Turn
from khronos.models.commit import commit, insist
from khronos.observability import metrics
from khronos.usage import ledger

ERROR_MAX = 500  # characters: the column

type Rounds = list[tuple[ToolRound, list[ToolCall]]]


def rounds_of(turn: Turn) -> Rounds:
    """What an earlier life of this turn has done, oldest first."""
    rows = ToolRound.objects.filter(turn=turn).order_by("number").prefetch_related("calls")
    return [(row, sorted(row.calls.all(), key=lambda call: call.position)) for row in rows]


def keep(turn: Turn, row: ToolRound, calls: Sequence[ToolCall]) -> None:
    """A round, before anything of it is done."""

    def job() -> None:
        turn.extend(settings.TURN_LEASE)
        row.pk = None
        row.save(force_insert=True)
        for call in calls:
            call.pk, call.round = None, row
            call.save(force_insert=True)
        ledger.write(turn.paid)

    commit(job)
    for call in calls:
        if call.state == ToolCall.State.REFUSED:
            count(call)


def begin(turn: Turn, call: ToolCall) -> None:
    commit(partial(change, turn, call, state=ToolCall.State.RUNNING, started_at=Now()))


def end(turn: Turn, call: ToolCall, **changes: Any) -> None:
    """It is done already: a database that hesitates is asked again."""
    job = partial(change, turn, call, ended_at=Now(), **bounded(changes))
    insist(job, settings.TURN_LEASE.total_seconds())
    count(call)


def end_with(turn: Turn, call: ToolCall, deed: Callable[[], dict[str, Any]]) -> None:
    """The deed and its result in one transaction, behind the fence."""

    def job() -> None:
        turn.extend(settings.TURN_LEASE)
        change(turn, call, started_at=Now(), ended_at=Now(), **bounded(deed()))

    commit(job)
    count(call)


def change(turn: Turn, call: ToolCall, **changes: Any) -> None:
    turn.extend(settings.TURN_LEASE)
    open_ = ToolCall.objects.filter(pk=call.pk, state__in=ToolCall.OPEN)
    if not open_.update(**changes):
        raise LostLease(f"tool call {call.pk}")
    for name, value in changes.items():
        setattr(call, name, value)


def bounded(changes: dict[str, Any]) -> dict[str, Any]:
    return changes | {"error": changes.get("error", "")[:ERROR_MAX]}


def count(call: ToolCall) -> None:
    """A name that nobody granted may be anything."""
    known = call.state != ToolCall.State.REFUSED
    metrics.TOOL_CALLS.labels(tool=call.tool if known else "refused", state=call.state).inc()
    if known:
        metrics.TOOL_SECONDS.labels(tool=call.tool).observe(call.duration_ms / 1000)
