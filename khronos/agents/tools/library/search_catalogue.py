"""The catalogue: what there is, what it costs, whether it is in stock."""

from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet

from khronos.agents.tools.base import Scene, tool
from khronos.knowledge import catalogue
from khronos.models import Product

MOST = 8
WORDS_MAX = 6


@tool(
    "Search the shop's catalogue by words, by what something is for, or by article number: name, price and "
    "stock of what is sold. "
    "Without words it tells some of what there is.",
    takes={"words": {"type": "string", "maxLength": 200}},
    required=[],
    gives={"type": "object", "required": ["products"]},
    is_local=True,
    is_cacheable=True,
)
def search_catalogue(scene: Scene, words: str = "") -> dict[str, Any]:
    products = Product.objects.filter(tenant=scene.tenant_id)
    found = meant(products, scene.tenant_id, words) + list(named(products, words).order_by("name")[:MOST])
    return {"products": [shown(each) for each in list(dict.fromkeys(found))[:MOST]]}


def meant(products: QuerySet[Product], tenant: int, words: str) -> list[Product]:
    if not words.strip():
        return []
    skus = catalogue.find(tenant, words, MOST)
    by_sku = {each.sku: each for each in products.filter(sku__in=skus)}
    return [by_sku[sku] for sku in skus if sku in by_sku]


def named(products: QuerySet[Product], words: str) -> QuerySet[Product]:
    """By the words alone: of what is new the meaning is not known yet."""
    asked = [word for word in words.split() if len(word) > 2][:WORDS_MAX]
    if not asked:
        return products if not words.strip() else products.none()
    found = (Q(name__icontains=word) | Q(description__icontains=word) | Q(sku__iexact=word) for word in asked)
    return products.filter(reduce(or_, found))


def shown(product: Product) -> dict[str, Any]:
    return {
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "price": f"{product.price} {product.currency}",
        "in_stock": product.stock,
    }
