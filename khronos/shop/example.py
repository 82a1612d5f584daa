"""Products, customers and orders of an imaginary shop, and the grants for its tools (docs/tools.md)."""

from decimal import Decimal

from django.db import transaction

from khronos.models import Customer, Order, OrderLine, Product, Tenant, ToolGrant

LABEL = "example shop"
TOOLS = (
    "search_catalogue",
    "my_details",
    "change_address",
    "my_orders",
    "place_order",
    "cancel_order",
    "hand_off",
)
# sku, name, description, price, stock; English and Portuguese, so that both are found.
PRODUCTS = (
    ("CUP-01", "Blue cup / Caneca azul", "Stoneware, 300 ml / Cerâmica, 300 ml", "39.90", 24),
    ("CUP-02", "Red cup / Caneca vermelha", "Stoneware, 300 ml / Cerâmica, 300 ml", "39.90", 3),
    ("CUP-03", "Travel mug / Copo térmico", "Steel, keeps warm 6 h / Aço, 6 h quente", "89.00", 0),
    ("TEA-01", "Green tea / Chá verde", "100 g, loose / 100 g, a granel", "24.50", 80),
    ("TEA-02", "Mate tea / Erva-mate", "500 g, from Paraná / 500 g, do Paraná", "18.90", 60),
    ("COF-01", "Espresso beans / Café espresso em grãos", "1 kg, dark / 1 kg, torra escura", "74.00", 40),
    ("COF-02", "Filter coffee / Café coado", "500 g, ground / 500 g, moído", "32.00", 55),
    ("POT-01", "Glass teapot / Bule de vidro", "1 litre, with a sieve / 1 litro, com coador", "119.00", 7),
    (
        "FIL-01",
        "Paper filters / Filtros de papel",
        "100 pieces / 100 unidades",
        "12.90",
        200,
    ),
    ("GRI-01", "Hand grinder / Moedor manual", "Ceramic burrs / Mós de cerâmica", "149.00", 5),
    ("SPN-01", "Tea spoon / Colher de chá", "Steel, set of 6 / Aço, jogo com 6", "29.90", 30),
    ("GFT-01", "Gift box / Caixa de presente", "For two cups / Para duas canecas", "9.90", 100),
)
ORDERS = (  # customer, state, tracking, sku and quantity
    ("Bia Example / Bia Exemplo", Order.State.SHIPPED, "BR123456789EX", "CUP-01", 2),
    ("Caio Example / Caio Exemplo", Order.State.PLACED, "", "COF-01", 1),
    ("Dora Example / Dora Exemplo", Order.State.DELIVERED, "BR987654321EX", "TEA-01", 3),
)


@transaction.atomic
def add(tenant: Tenant) -> dict[str, int]:
    """Twice is as once; answers how many of each there are then."""
    for sku, name, description, price, stock in PRODUCTS:
        given = {"name": name, "description": description, "price": Decimal(price), "stock": stock}
        Product.objects.get_or_create(tenant=tenant, sku=sku, defaults=given | {"is_example": True})
    for name, state, tracking, sku, quantity in ORDERS:
        customer, made = Customer.objects.get_or_create(tenant=tenant, name=name, is_example=True)
        if made:
            order = Order.objects.create(
                tenant=tenant, customer=customer, state=state, tracking=tracking, is_example=True
            )
            product = Product.objects.get(tenant=tenant, sku=sku)
            OrderLine.objects.create(order=order, product=product, quantity=quantity, price=product.price)
    for tool in TOOLS:
        ToolGrant.objects.get_or_create(tenant=tenant, agent=None, tool=tool, defaults={"note": LABEL})
    return numbers(tenant)


@transaction.atomic
def remove(tenant: Tenant) -> dict[str, int]:
    """All that is labelled as example; answers how many of each there were."""
    were = numbers(tenant)
    Order.objects.filter(tenant=tenant, is_example=True).delete()
    Customer.objects.filter(tenant=tenant, is_example=True, orders=None).delete()
    ToolGrant.objects.filter(tenant=tenant, note=LABEL).delete()
    Product.objects.filter(tenant=tenant, is_example=True).exclude(
        pk__in=OrderLine.objects.values("product")  # ordered by a customer of your own
    ).delete()
    return were


def numbers(tenant: Tenant) -> dict[str, int]:
    mine = {"tenant": tenant}
    return {
        "products": Product.objects.filter(**mine, is_example=True).count(),
        "customers": Customer.objects.filter(**mine, is_example=True).count(),
        "orders": Order.objects.filter(**mine, is_example=True).count(),
        "grants": ToolGrant.objects.filter(**mine, note=LABEL).count(),
    }
