"""Call a person: the same door as `/human`."""

from functools import partial
from typing import Any

from khronos.agents.tools.base import Arguments, Deed, Scene, Unfit, tool
from khronos.models import Queue


def queue_of(scene: Scene, slug: str) -> Queue:
    """The one that is named; else where the conversation belongs, or the default."""
    queues = Queue.objects.filter(tenant=scene.tenant_id).order_by("-is_default", "pk")
    found = queues.filter(slug=slug).first() if slug else scene.conversation.queue or queues.first()
    if found is None:
        known = ", ".join(queues.values_list("slug", flat=True)[:20])
        raise Unfit(f"there is no such queue; there are: {known or 'none, nobody can be called'}")
    return found


def through_the_door(scene: Scene, arguments: Arguments) -> Deed:
    return partial(scene.door, queue_of(scene, arguments.get("queue", "")))


@tool(
    "Hand this conversation to a person of the team. Use it when the person asks for a human, is upset, or "
    "wants what you cannot do. Say in your answer that somebody will write here.",
    takes={
        "queue": {
            "type": "string",
            "maxLength": 50,
            "description": "Which team, by its short name; optional.",
        },
        "reason": {"type": "string", "maxLength": 300, "description": "For the person who takes over."},
    },
    required=["reason"],
    gives={"type": "object", "required": ["queue"]},
    side_effects=True,
    is_local=True,
    afterwards=through_the_door,
)
def hand_off(scene: Scene, reason: str, queue: str = "") -> dict[str, Any]:
    return {"queue": queue_of(scene, queue).name, "note": "A person will take over after your answer."}
