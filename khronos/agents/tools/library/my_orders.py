"""Orders of the person who asks, and of nobody else."""

from typing import Any

from khronos.agents.tools.base import Scene, Unfit, tool
from khronos.models import Order

MOST = 10
NUMBER = {"type": "integer", "minimum": 1, "maximum": 2**62}


def own_order(scene: Scene, number: int) -> Order:
    """Somebody else's is as one that does not exist."""
    mine = Order.objects.filter(tenant=scene.tenant_id, customer__contact=scene.contact)
    found = mine.select_for_update(of=("self",)).filter(pk=number).first()
    if found is None:
        raise Unfit(f"this person has no order {number}")
    return found


@tool(
    "The orders of the person you talk to: what was ordered, where it is. One by its number, or the newest.",
    takes={"number": NUMBER},
    required=[],
    gives={"type": "object", "required": ["orders"]},
    is_local=True,
    is_personal=True,
)
def my_orders(scene: Scene, number: int | None = None) -> dict[str, Any]:
    mine = Order.objects.filter(tenant=scene.tenant_id, customer__contact=scene.contact).order_by("-pk")
    if number is not None:
        mine = mine.filter(pk=number)
    return {"orders": [shown(order) for order in mine.prefetch_related("lines__product")[:MOST]]}


def shown(order: Order) -> dict[str, Any]:
    lines = [f"{line.quantity} × {line.product.name}" for line in order.lines.all()]
    return {
        "number": order.pk,
        "state": order.state,
        "lines": lines,
        "tracking": order.tracking,
        "ordered_on": f"{order.created_at:%Y-%m-%d}",
    }
