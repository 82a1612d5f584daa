"""Products, found by what they mean: each is a document of the kind `catalog` (docs/knowledge.md)."""

from collections.abc import Iterator
from hashlib import sha256

from django.db.models import Exists, OuterRef

from khronos.knowledge import intake
from khronos.models import Document, Product

KIND = Document.Kind.CATALOG


def keep(product: Product) -> Document:
    """As it is sold now; what says the same is not embedded again."""
    return intake.add(
        product.tenant,
        product.sku,
        raw(product),
        kind=KIND,
        form=Document.Form.TEXT,
        title=product.name,
        is_example=product.is_example,
    )


def forget(product: Product) -> None:
    for document in Document.objects.filter(tenant=product.tenant_id, kind=KIND, source=product.sku):
        intake.remove(document)


def raw(product: Product) -> bytes:
    return f"{product.name}\n{product.sku}\n\n{product.description}".encode()


def renew() -> int:
    """Whatever became of products without our knowing; answers how many are embedded, or gone."""
    changed = list(outdated())
    for product in changed:
        keep(product)
    sold = Product.objects.filter(tenant=OuterRef("tenant"), sku=OuterRef("source"))
    gone = list(Document.objects.filter(~Exists(sold), kind=KIND).defer("raw"))
    for document in gone:
        intake.remove(document)
    return len(changed) + len(gone)


def outdated() -> Iterator[Product]:
    rows = Document.objects.filter(kind=KIND).values_list("tenant", "source", "sha256")
    known = {(tenant, sku): digest for tenant, sku, digest in rows}
    for product in Product.objects.select_related("tenant").iterator():
        if known.get((product.tenant_id, product.sku)) != sha256(raw(product)).hexdigest():
            yield product


def find(tenant: int, words: str, most: int) -> list[str]:
    """Article numbers of what was asked for, the best first."""
    from khronos.knowledge.search import search  # noqa: PLC0415 (numpy, for whoever searches)

    found = search(tenant, words, most * 2, KIND)
    return list(dict.fromkeys(each.source for each in found if each.covers))[:most]
