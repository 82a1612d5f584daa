"""Cancel an order that is not on its way yet, after a yes of the customer."""

from typing import Any

from django.db.models import F

from khronos.agents.tools.base import Scene, Unfit, tool
from khronos.agents.tools.library.my_orders import NUMBER, own_order
from khronos.models import Order, Product


@tool(
    "Cancel an order of the person you talk to that was not shipped yet. They are asked for a yes first.",
    takes={"number": NUMBER},
    gives={"type": "object", "required": ["number", "state"]},
    side_effects=True,
    is_local=True,
    is_personal=True,
    confirmed_by="contact",
    question={"en": "Cancel order {number}?", "pt": "Cancelar o pedido {number}?"},
)
def cancel_order(scene: Scene, number: int) -> dict[str, Any]:
    order = own_order(scene, number)
    if order.state != Order.State.PLACED:
        raise Unfit(f"order {number} is {order.state} and cannot be cancelled")
    order.state = Order.State.CANCELLED
    order.save(update_fields=["state"])
    for line in order.lines.all():
        Product.objects.filter(pk=line.product_id).update(stock=F("stock") + line.quantity)
    return {"number": order.pk, "state": order.state}
