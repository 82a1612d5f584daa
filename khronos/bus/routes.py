"""Which event rings which task, and which task does which row: the one table to follow a message by."""

from khronos.models.event import Event

# `routing.handoff.requested` rings this one when its target is the bot or triage: (task, Celery queue)
TURN_TASK = ("tasks.turns.take", "agent.ai")
DELIVERY_TASK = ("tasks.delivery.deliver", "delivery")
NOTIFY_TASK = ("tasks.ops.notify", "ops")

# events that the dispatcher itself consumes from the bus
CONSUMED = (Event.Type.MESSAGE_RECEIVED.value,)
