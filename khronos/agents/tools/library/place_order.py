"""Order something that is in stock, after a yes of the customer."""

from typing import Any

from django.db.models import F

from khronos.agents.tools.base import Scene, Unfit, tool
from khronos.models import Customer, Order, OrderLine, Product


@tool(
    "Order an article for the person you talk to. They are asked for a yes first. The catalogue has its sku.",
    takes={
        "sku": {"type": "string", "minLength": 1, "maxLength": 40},
        "quantity": {"type": "integer", "minimum": 1, "maximum": 100},
    },
    gives={"type": "object", "required": ["number", "total"]},
    side_effects=True,
    is_local=True,
    is_personal=True,
    confirmed_by="contact",
    question={"en": "Order {quantity} × {sku}?", "pt": "Pedir {quantity} × {sku}?"},
)
def place_order(scene: Scene, sku: str, quantity: int) -> dict[str, Any]:
    product = Product.objects.filter(tenant=scene.tenant_id, sku__iexact=sku).first()
    if product is None:
        raise Unfit(f"there is no article {sku}")
    left = Product.objects.filter(pk=product.pk, stock__gte=quantity).update(stock=F("stock") - quantity)
    if not left:
        raise Unfit(f"of {sku} there are only {product.stock}")
    contact = scene.contact
    customer, _made = Customer.objects.get_or_create(
        contact=contact,
        defaults={"tenant_id": scene.tenant_id, "name": str(contact), "is_example": product.is_example},
    )
    order = Order.objects.create(tenant_id=scene.tenant_id, customer=customer, is_example=product.is_example)
    OrderLine.objects.create(order=order, product=product, quantity=quantity, price=product.price)
    return {"number": order.pk, "total": f"{product.price * quantity} {product.currency}"}
