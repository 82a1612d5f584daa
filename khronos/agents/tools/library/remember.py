"""Keep something that the contact wants to be remembered: their own word, in their own private chat."""

from typing import Any

from khronos.agents import memory
from khronos.agents.tools.base import Scene, Unfit, tool
from khronos.models import Message
from khronos.models.contact_fact import FACT_MAX


@tool(
    "Remember one lasting fact that the person you talk to has told you about themselves, such as a name, a "
    "size, a preference. It is told to you in later talks. Never passwords, nor numbers of cards or papers; "
    "nothing about anybody else.",
    takes={"fact": {"type": "string", "minLength": 3, "maxLength": FACT_MAX}},
    gives={"type": "object", "required": ["number", "fact"]},
    side_effects=True,
    is_local=True,
    is_personal=True,
    per_minute=120,
)
def remember(scene: Scene, fact: str) -> dict[str, Any]:
    said = Message.objects.filter(turn=scene.turn, author=Message.Author.CONTACT).order_by("-pk").first()
    try:
        kept = memory.remember(scene.contact, fact, said)
    except memory.NotRemembered as refusal:
        raise Unfit(str(refusal)) from None
    return {"number": kept.pk, "fact": kept.text}
