"""Erase something that was remembered of the contact."""

from typing import Any

from khronos.agents import memory
from khronos.agents.tools.base import Scene, Unfit, tool


@tool(
    "Forget a fact about the person you talk to, by its number among the facts, when it is no longer so or "
    "they want it forgotten.",
    takes={"number": {"type": "integer", "minimum": 1, "maximum": 2**62}},
    gives={"type": "object", "required": ["forgotten"]},
    side_effects=True,
    is_local=True,
    is_personal=True,
)
def forget(scene: Scene, number: int) -> dict[str, Any]:
    if not memory.forget(scene.contact, number):
        raise Unfit(f"no fact {number} is remembered of this person")
    return {"forgotten": number}
