"""The operator's list of health checks: what it shows, and the one thing that can be done there."""

from datetime import timedelta

import redis
from django.test import Client
from django.utils import timezone

import khronos.urls  # registers the screens
from khronos.models import HealthCheck
from tests import factories as make
from tests.integration.test_admin import act, list_of, staff

assert khronos.urls.urlpatterns


def test_good_bad_and_stale_are_told_apart(operator: Client) -> None:
    make.make_check(name="redis", ok=True, detail="answers")
    make.make_check(name="disk", detail="only 3 MB free")
    make.make_check(name="clock", ok=True, detail="agree", checked_at=timezone.now() - timedelta(minutes=5))
    page = operator.get(list_of(HealthCheck)).content.decode()
    assert page.count('<span class="kh-badge kh-success">well</span>') == 1
    assert page.count('<span class="kh-badge kh-danger">amiss</span>') == 1
    assert page.count('<span class="kh-badge kh-danger">not looked at</span>') == 1
    assert "only 3 MB free" in page


def test_looking_now_makes_it_due_and_rings(operator: Client, bus: "redis.Redis") -> None:
    row = make.make_check(due_at=timezone.now() + timedelta(minutes=9))
    other = make.make_check(due_at=timezone.now() + timedelta(minutes=9))
    assert "To be looked at now: 1." in act(operator, "look_now", row)
    row.refresh_from_db()
    other.refresh_from_db()
    assert row.due_at <= timezone.now() < other.due_at
    assert bus.llen("ops") == 1


def test_who_may_only_read_sees_the_list_and_rings_nobody(
    client: Client, db: None, bus: "redis.Redis"
) -> None:
    client.force_login(staff("view_healthcheck"))
    row = make.make_check(due_at=timezone.now() + timedelta(minutes=9))
    assert client.get(list_of(HealthCheck)).status_code == 200
    act(client, "look_now", row)
    row.refresh_from_db()
    assert row.due_at > timezone.now()
    assert bus.llen("ops") == 0
