"""The customer's own record, as the shop keeps it."""

from typing import Any

from khronos.agents.tools.base import Scene, Unfit, tool
from khronos.models import Customer


def own(scene: Scene) -> Customer:
    found = Customer.objects.filter(tenant=scene.tenant_id, contact=scene.contact).first()
    if found is None:
        raise Unfit("this person is no customer yet")
    return found


@tool(
    "What the shop knows of the person you talk to: name, e-mail, phone, postal address.",
    takes={},
    gives={"type": "object", "required": ["name"]},
    is_local=True,
    is_personal=True,
)
def my_details(scene: Scene) -> dict[str, Any]:
    customer = own(scene)
    return {name: getattr(customer, name) for name in ("name", "email", "phone", "address")}
