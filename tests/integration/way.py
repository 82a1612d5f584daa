"""The way of a message without processes: each step is called by the test, so that it can look in between."""

import io
from collections.abc import Iterator
from typing import Any

import redis
from django.core.management import call_command
from django.db.models.functions import Now

from bench.simulator import Simulator
from khronos.conversation import dispatch as dispatching
from khronos.conversation import turn as turns
from khronos.delivery import send
from khronos.intake.poller import Poller
from khronos.models import Channel, Delivery, Turn, Update
from khronos.observability.steps import Ids
from khronos.resilience.shutdown import Stopping

ANA = 7


def under(trace_id: str, correlation_id: str | None = None) -> Ids:
    return {"trace_id": trace_id, "correlation_id": correlation_id}


def say(sim: Simulator, *texts: str, chat: int = ANA) -> None:
    for text in texts:
        sim.telegram.say(chat, text)


def fetch(channel: Channel) -> None:
    """Poll until Telegram has no more news."""
    channel.refresh_from_db()
    before = -1
    while (count := Update.objects.count()) != before:
        before = count
        Poller(channel, Stopping()).poll()


def dispatch() -> None:
    if waiting := list(Update.objects.waiting().values_list("pk", flat=True)):
        dispatching.dispatch(waiting)


def due() -> Iterator[int]:
    return iter(Turn.objects.due().order_by("pk").values_list("pk", flat=True))


def answer() -> None:
    """Take every turn that is due, and send what is due, until nothing is."""
    for _ in range(50):
        for pk in list(due()):
            turns.take(pk)
        for pk in list(Delivery.objects.due().order_by("pk").values_list("pk", flat=True)):
            send.deliver(pk)
        if not Turn.objects.due().exists() and not Delivery.objects.due().exists():
            return
    raise AssertionError("work stays due")


def all_the_way(channel: Channel) -> None:
    fetch(channel)
    dispatch()
    answer()


def told(bus: "redis.Redis", stream: str) -> list[dict[str, str]]:
    """What stands on a stream, oldest first."""
    entries: Any = bus.xrange(stream)
    return [{name.decode(): value.decode() for name, value in fields.items()} for _, fields in entries]


def hurry() -> None:
    """Let time pass: whatever waits for later is due now."""
    Turn.objects.unsettled().update(due_at=Now())
    Delivery.objects.unsettled().update(due_at=Now())


def run(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return " ".join(out.getvalue().split())
