"""Products are found by what they mean, by their own tenant alone, and by words until that is known."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from khronos.agents.tools.base import Scene
from khronos.agents.tools.library.search_catalogue import search_catalogue
from khronos.knowledge import catalogue, readers
from khronos.knowledge.search import search
from khronos.models import Chunk, Document, Product, Tenant
from khronos.shop import example
from tests.factories import make_product, make_tenant, make_turn, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]


@pytest.fixture
def scene() -> Scene:
    """A conversation with the example shop, none of which is embedded yet."""
    turn = make_turn()
    example.add(turn.conversation.channel.tenant)
    catalogue.renew()
    return Scene(turn.conversation, lambda queue: None, "key", turn)


def asked(scene: Scene, words: str) -> list[str]:
    return [each["sku"] for each in search_catalogue.run(scene, {"words": words})["products"]]


@pytest.mark.parametrize(
    ("words", "sku"),
    [
        ("something to keep my drink hot on the road", "CUP-03"),
        ("um presente para duas pessoas", "GFT-01"),
        ("mate do Paraná para chimarrão", "TEA-02"),
        ("what do I grind my beans with", "GRI-01"),
    ],
)
def test_a_product_is_found_by_what_it_is_for(scene: Scene, words: str, sku: str) -> None:
    readers.read_all()
    assert sku in asked(scene, words)[:3]


def test_until_it_is_embedded_and_while_the_embedder_is_away_words_find_it(
    scene: Scene, settings: Settings
) -> None:
    assert asked(scene, "teapot") == ["POT-01"]
    readers.read_all()
    settings.EMBEDDER_URL = "http://127.0.0.1:1"
    assert asked(scene, "teapot") == ["POT-01"]
    assert asked(scene, "POT-01") == ["POT-01"]
    assert asked(scene, "zzz") == []
    assert len(asked(scene, "")) == 8


def test_nothing_of_another_tenant_is_found(scene: Scene) -> None:
    other = make_product(tenant=make_tenant(), sku="OTH-01", name="Glass teapot")
    catalogue.renew()
    readers.read_all()
    assert "OTH-01" not in asked(scene, "glass teapot")
    assert catalogue.find(other.tenant_id, "glass teapot", 8) == ["OTH-01"]


def test_the_catalogue_is_not_cited_as_knowledge(scene: Scene) -> None:
    readers.read_all()
    assert search(scene.tenant_id, "glass teapot") == []


def test_only_what_changed_is_embedded_again(scene: Scene) -> None:
    assert readers.read_all() == 12
    assert catalogue.renew() == 0
    Product.objects.filter(sku="CUP-01").update(stock=1, price=5)
    assert catalogue.renew() == 0
    Product.objects.filter(sku="CUP-01").update(name="Umbrella", description="Keeps the rain off.")
    Product.objects.filter(sku="GFT-01").delete()
    assert catalogue.renew() == 2
    assert readers.read_all() == 1
    assert "CUP-01" in asked(scene, "it rains")
    assert not Chunk.objects.filter(document__source="GFT-01").exists()


def test_a_product_saved_or_deleted_in_the_admin_is_known_at_once(client: Client) -> None:
    client.force_login(make_user())
    tenant = make_tenant()
    facts = {"tenant": tenant.pk, "name": "Umbrella", "price": "5", "currency": "BRL", "stock": "1"}
    client.post(reverse("admin:khronos_product_add"), facts | {"sku": "UMB"})
    product = Product.objects.get()
    assert sources(tenant) == ["UMB"]
    page = reverse("admin:khronos_product_change", args=[product.pk])
    client.post(page, facts | {"sku": "UMB-2"})
    assert sources(tenant) == ["UMB-2"]
    client.post(reverse("admin:khronos_product_delete", args=[product.pk]), {"post": "yes"})
    assert sources(tenant) == []


def sources(tenant: Tenant) -> list[str]:
    return list(Document.objects.filter(tenant=tenant, kind="catalog").values_list("source", flat=True))
