"""Statements that are written once: the same rows whatever number of keys, and over whichever connection."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from khronos.models import Queue, Tenant
from khronos.models.among import SelectAmong
from khronos.models.prepared import Select, Slot

pytestmark = pytest.mark.django_db(transaction=True)

KEY = Tenant._meta.pk


@pytest.fixture
def keys() -> list[int]:
    return [Tenant.objects.create(slug=f"tenant-{number}", name=f"{number}").pk for number in range(9)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 8])
def test_exactly_those_that_are_asked_for_are_found(keys: list[int], count: int) -> None:
    among = SelectAmong(lambda pks: Tenant.objects.filter(pk__in=pks).order_by("-pk"), pks=KEY)
    asked = keys[:count]
    for _ in range(2):
        assert [each.pk for each in among(pks=asked)] == asked[::-1]


def test_nobody_is_left_out_of_two_lists(keys: list[int]) -> None:
    among = SelectAmong(
        lambda pks, others: Tenant.objects.filter(pk__in=pks).exclude(pk__in=others), pks=KEY, others=KEY
    )
    assert {each.pk for each in among(pks=keys, others=keys[:3])} == set(keys[3:])
    assert {each.pk for each in among(pks=keys[:7], others=keys[6:])} == set(keys[:6])


def test_what_is_left_over_needs_no_statement_of_its_own(keys: list[int]) -> None:
    among = SelectAmong(lambda pks: Tenant.objects.filter(pk__in=pks), pks=KEY)
    with CaptureQueriesContext(connection) as queries:
        for count in range(5, 9):
            assert len(among(pks=keys[:count])) == count
    assert len(queries) == 4
    assert {query["sql"].count(",") for query in queries} == {queries[0]["sql"].count(",")}


def test_a_statement_goes_on_over_the_next_connection(keys: list[int]) -> None:
    one = Select(lambda: Tenant.objects.filter(pk=Slot("pk", KEY)))
    first = one(pk=keys[0])
    connection.close()
    assert [first, one(pk=keys[1])] == [[Tenant(pk=keys[0])], [Tenant(pk=keys[1])]]


def test_what_was_read_with_a_row_belongs_to_that_row(keys: list[int]) -> None:
    for key in keys[:2]:
        Queue.objects.create(tenant_id=key, name="help")
    every = Select(lambda: Queue.objects.filter(name="help").select_related("tenant").order_by("pk"))
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            assert [row.tenant.pk for row in every()] == keys[:2]
        assert len(queries) == 1
