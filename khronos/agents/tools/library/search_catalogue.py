"""The catalogue: what there is, what it costs, whether it is in stock."""

from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from khronos.agents.tools.base import Scene, tool
from khronos.models import Product

MOST = 8
WORDS_MAX = 6


@tool(
    "Search the shop's catalogue by words or article number: name, price and stock of what is sold. "
    "Without words it tells some of what there is.",
    takes={"words": {"type": "string", "maxLength": 200}},
    required=[],
    gives={"type": "object", "required": ["products"]},
    is_local=True,
    is_cacheable=True,
)
def search_catalogue(scene: Scene, words: str = "") -> dict[str, Any]:
    products = Product.objects.filter(tenant=scene.tenant_id)
    asked = [word for word in words.split() if len(word) > 2][:WORDS_MAX]
    if asked:
        named = (
            Q(name__icontains=word) | Q(description__icontains=word) | Q(sku__iexact=word) for word in asked
        )
        products = products.filter(reduce(or_, named))
    return {"products": [shown(each) for each in products.order_by("name")[:MOST]]}


def shown(product: Product) -> dict[str, Any]:
    return {
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "price": f"{product.price} {product.currency}",
        "in_stock": product.stock,
    }
