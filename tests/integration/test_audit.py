"""The audit log tells who signed in, who was refused, and what operators did, by whatever button."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from khronos.models import Channel, Queue
from khronos.observability.formats import JsonLines
from khronos.observability.handlers import AUDIT, Files, Lines
from tests import factories as make

pytestmark = pytest.mark.usefixtures("bus")


@pytest.fixture
def log(tmp_path: Path, db: None) -> Iterator[Path]:
    files = Files(tmp_path, JsonLines("web"), Lines(JsonLines("web")))
    logging.getLogger().addHandler(files)
    logging.getLogger(AUDIT).setLevel(logging.INFO)
    yield tmp_path / "audit.log"
    logging.getLogger().removeHandler(files)


def told(log: Path) -> list[dict[str, Any]]:
    lines = [orjson.loads(line) for line in log.read_bytes().splitlines()]
    assert {line["logger"] for line in lines} <= {AUDIT}
    return lines


@pytest.fixture
def olga(client: Client, log: Path) -> User:
    return make.make_user(username="olga", password="right-password-1")


def test_signing_in_and_out_and_being_refused(client: Client, olga: User, log: Path) -> None:
    address = reverse("admin:login")
    client.post(address, {"username": "olga", "password": "wrong-password-2"})
    client.post(address, {"username": "olga", "password": "right-password-1"}, headers={"X-Trace-Id": "t"})
    client.post(reverse("admin:logout"))
    lines = told(log)
    assert [line["message"] for line in lines] == ["sign-in refused", "signed in", "signed out"]
    assert [line["level"] for line in lines] == ["warning", "info", "info"]
    assert lines[0]["name_given"] == "olga"
    assert {line["address"] for line in lines} == {"127.0.0.1"}
    assert [line["user_id"] for line in lines] == [None, str(olga.pk), str(olga.pk)]
    text = log.read_text()
    assert "wrong-password-2" not in text
    assert "right-password-1" not in text


def test_each_deed_in_the_admin_is_told_once(client: Client, olga: User, log: Path) -> None:
    client.force_login(olga)
    tenant = make.make_tenant()
    client.post(reverse("admin:khronos_queue_add"), {"tenant": tenant.pk, "slug": "new", "name": "New"})
    queue = Queue.objects.get(slug="new")
    client.post(
        reverse("admin:khronos_queue_change", args=[queue.pk]),
        {"tenant": tenant.pk, "slug": "new", "name": "Old"},
    )
    client.post(reverse("admin:khronos_queue_delete", args=[queue.pk]), {"post": "yes"})
    lines = told(log)[1:]
    assert [(line["message"], line["object"]) for line in lines] == [
        ("added queue", str(queue.pk)),
        ("changed queue", str(queue.pk)),
        ("deleted queue", str(queue.pk)),
    ]
    assert {(line["user_id"], line["operator"]) for line in lines} == {(str(olga.pk), "olga")}


def test_many_that_are_deleted_together_are_told_one_by_one(client: Client, olga: User, log: Path) -> None:
    client.force_login(olga)
    queues = [make.make_queue() for _ in range(3)]
    data = {"action": "delete_selected", "_selected_action": [str(each.pk) for each in queues], "post": "yes"}
    client.post(reverse("admin:khronos_queue_changelist"), data)
    lines = told(log)[1:]
    assert not Queue.objects.filter(pk__in=[each.pk for each in queues]).exists()
    assert sorted(line["object"] for line in lines) == sorted(str(each.pk) for each in queues)
    assert {line["message"] for line in lines} == {"deleted queue"}


def test_our_own_buttons_are_told_too(client: Client, olga: User, log: Path) -> None:
    client.force_login(olga)
    channel = make.make_channel()
    data = {"action": "pause", "_selected_action": str(channel.pk), "index": "0"}
    client.post(reverse("admin:khronos_channel_changelist"), data)
    assert Channel.objects.filter(pk=channel.pk, pause__isnull=False).exists()
    [line] = told(log)[1:]
    assert (line["message"], line["object"]) == ("changed channel", str(channel.pk))
    assert line["what"]
