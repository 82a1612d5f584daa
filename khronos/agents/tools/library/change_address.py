"""The customer's postal address, after a yes of theirs."""

from typing import Any

from khronos.agents.tools.base import Scene, tool
from khronos.agents.tools.library.my_details import own


@tool(
    "Change the postal address of the person you talk to. They are asked for a yes first.",
    takes={"address": {"type": "string", "minLength": 5, "maxLength": 300}},
    gives={"type": "object", "required": ["address"]},
    side_effects=True,
    is_local=True,
    is_personal=True,
    confirmed_by="contact",
    question={"en": "Change your address to “{address}”?", "pt": "Mudar seu endereço para “{address}”?"},
)
def change_address(scene: Scene, address: str) -> dict[str, Any]:
    customer = own(scene)
    customer.address = address
    customer.save(update_fields=["address"])
    return {"address": customer.address}
