"""Which task does which rows, in which queue, and which events are consumed: read it to follow a message."""

from typing import NamedTuple

from khronos.models.event import Event


class Route(NamedTuple):
    task: str
    queue: str
    together: int = 1  # how many rows one ring may name


# The dispatcher rings this one with `routing.handoff.requested` to the bot or triage.
TURN_TASK = Route("tasks.turns.take", "agent.ai", together=16)
DELIVERY_TASK = Route("tasks.delivery.deliver", "delivery")
HURRY = "tasks.ops.hurry"  # with the name of a breaker or an alert that is over
EMBED_TASK = Route("tasks.embeddings.embed", "embeddings", together=16)
FETCH_TASK = Route("tasks.media.fetch", "ops", together=16)
PRESS_TASK = Route("tasks.alerts.answer_press", "ops")

# Events that the dispatcher itself consumes from the bus.
CONSUMED = (Event.Type.MESSAGE_RECEIVED.value,)
