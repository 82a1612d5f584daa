"""What a month has cost, as the terminal and the admin tell it."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError
from django.test import Client
from django.urls import reverse

from khronos.models import Tenant, Usage, UsageDay
from khronos.usage import ledger
from khronos.usage.report import month_of, report
from tests.factories import make_tenant, make_user
from tests.integration import way

pytestmark = pytest.mark.django_db(transaction=True)

NOVEMBER = date(2026, 11, 1)


def paid(tenant: Tenant, day: date, micros: int, **given: Any) -> Usage:
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    defaults = {"provider": "anthropic", "model": "claude-sonnet-5-5", "input_tokens": 10, "output_tokens": 1}
    row = Usage(tenant=tenant, at=at, micros=micros, **defaults | given)
    ledger.write([row])
    return row


@pytest.fixture
def shop() -> Tenant:
    return make_tenant(slug="shop", name="Flower shop", monthly_budget=Decimal(2))


@pytest.fixture
def month(shop: Tenant) -> Tenant:
    """Another tenant, beside the shop, and days before and after."""
    other = make_tenant(slug="other")
    paid(shop, date(2026, 10, 31), 7_000_000)
    paid(shop, NOVEMBER, 1_000_000)
    paid(shop, date(2026, 11, 30), 700_000, model="gpt-5-mini", kind="summary")
    paid(other, date(2026, 11, 30), 250_000, model="somebody-elses")
    paid(shop, date(2026, 12, 1), 7_000_000)
    return other


def test_a_month_is_told_by_day_tenant_model_and_kind(month: Tenant) -> None:
    found = report(NOVEMBER)
    assert (found.total.micros, found.total.calls, found.total.input_tokens) == (1_950_000, 3, 30)
    assert len(found.days) == 30
    assert [(line.name, line.micros) for line in found.days if line.calls] == [
        ("2026-11-01", 1_000_000),
        ("2026-11-30", 950_000),
    ]
    assert [(line.name, line.micros, line.share) for line in found.tenants] == [
        ("shop", 1_700_000, 0.85),
        ("other", 250_000, None),
    ]
    assert [(line.name, line.is_priced) for line in found.models] == [
        ("claude-sonnet-5-5", True),
        ("gpt-5-mini", True),
        ("somebody-elses", False),
    ]
    assert [(line.name, line.calls) for line in found.kinds] == [("answer", 2), ("summary", 1)]


def test_of_one_tenant_nothing_of_another_is_told(month: Tenant) -> None:
    found = report(NOVEMBER, month)
    assert found.total.micros == 250_000
    assert [line.name for line in found.tenants] == ["other"]


def test_processes_keep_sums_of_their_own_that_are_told_as_one(
    shop: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for process in ("a:1", "b:1", "a:1"):
        monkeypatch.setattr(ledger, "holder", lambda process=process: process)
        paid(shop, NOVEMBER, 1000)
    assert sorted(UsageDay.objects.values_list("writer", "calls")) == [("a:1", 2), ("b:1", 1)]
    assert [(line.name, line.calls) for line in report(NOVEMBER).tenants] == [("shop", 3)]


@pytest.mark.parametrize("text", ["2026-13", "2026", "26-11", "0000-01", "november", "2026-11-01"])
def test_what_is_no_month_is_none(text: str) -> None:
    assert month_of(text) is None


def test_single_calls_are_forgotten_and_their_sums_stay(shop: Tenant) -> None:
    kept = paid(shop, datetime.now(UTC).date(), 5)
    paid(shop, date(2020, 1, 1), 7)
    assert ledger.forget_old() == 1
    assert list(Usage.objects.values_list("micros", flat=True)) == [kept.micros]
    assert UsageDay.objects.count() == 2


# The terminal


def test_the_terminal_tells_a_month(month: Tenant) -> None:
    said = way.run("usage", "--month", "2026-11", "--lang", "en")
    assert said.startswith("2026-11: 1.95 USD for 3 calls tenant calls tokens in tokens out cost shop 2")
    assert "1.70 USD 85% of 2.00 USD" in said
    assert "price not known" in said
    of_shop = way.run("usage", "--month", "2026-11", "--tenant", "shop", "--lang", "pt-br")
    assert of_shop.startswith("2026-11: 1.70 USD por 2 chamadas")
    assert "somebody-elses" not in of_shop


def test_programs_are_told_it_as_json(month: Tenant) -> None:
    said = json.loads(way.run("usage", "--month", "2026-11", "--json"))
    assert (said["month"], said["total"]["cost"], len(said["days"])) == ("2026-11", 1.95, 30)
    assert said["tenants"][0]["budget"] == 2.0


@pytest.mark.parametrize(
    ("asked", "answer"), [(["--tenant", "nobody"], "no tenant nobody"), (["--month", "13"], "2026-11")]
)
def test_what_is_not_there_is_said(shop: Tenant, asked: list[str], answer: str) -> None:
    with pytest.raises(CommandError, match=answer):
        way.run("usage", "--lang", "en", *asked)


# The admin


def test_the_page_of_costs_shows_a_month_and_its_days(month: Tenant, client: Client) -> None:
    client.force_login(make_user())
    page = client.get(reverse("admin:khronos_costs"), {"month": "2026-11"}).content.decode()
    assert '<strong id="total">1.95 USD</strong>' in page
    assert page.count('class="kh-hit"') == 30
    assert "<title>2026-11-01: 1.00 USD, 1 calls</title>" in page
    assert "85% of 2.00 USD" in page
    of_other = client.get(reverse("admin:khronos_costs"), {"month": "2026-11", "tenant": "other"})
    assert '<strong id="total">0.25 USD</strong>' in of_other.content.decode()
    assert client.get(reverse("admin:khronos_costs"), {"tenant": "nobody"}).status_code == 404


def test_a_month_without_calls_says_so(shop: Tenant, client: Client) -> None:
    client.force_login(make_user())
    page = client.get(reverse("admin:khronos_costs"), {"month": "2026-02"}).content.decode()
    assert "No model was paid in this month." in page
    assert "kh-chart" not in page


def test_costs_are_shown_to_whoever_may_see_them_and_changed_by_nobody(month: Tenant, client: Client) -> None:
    client.force_login(make_user(is_superuser=False))
    assert client.get(reverse("admin:khronos_costs")).status_code == 403
    client.force_login(make_user())
    row = Usage.objects.latest("pk")
    page = reverse("admin:khronos_usage_change", args=[row.pk])
    assert client.get(page).status_code == 200
    assert client.post(page, {"micros": 0}).status_code == 403
    assert (
        client.post(reverse("admin:khronos_usage_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    )
    assert client.get(reverse("admin:khronos_usage_changelist"), {"since": "24h"}).status_code == 200
    row.refresh_from_db()
    assert row.micros > 0
