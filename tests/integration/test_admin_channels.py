"""Channels in the admin: secrets go in and never come out."""

import pytest
from django.test import Client
from django.urls import reverse

from khronos.models import Channel
from tests import factories as make

ADD = reverse("admin:khronos_channel_add")


@pytest.fixture
def operator(client: Client, db: None) -> Client:
    client.force_login(make.make_user())
    return client


def form(channel: Channel, **given: str) -> dict[str, str]:
    return {
        "tenant": str(channel.tenant_id),
        "name": channel.name,
        "slug": channel.slug,
        "kind": channel.kind,
        "routing": "bot",
        "delivery_mode": "send",
        "is_active": "on",
    } | given


def page_of(channel: Channel) -> str:
    return reverse("admin:khronos_channel_change", args=[channel.pk])


def test_no_page_shows_a_secret(operator: Client) -> None:
    hidden = ("very-hidden", "quite-hidden", "once-hidden")
    channel = make.make_channel(token=f"4711:{hidden[0]}", secret=hidden[1], previous_secret=hidden[2])
    for url in (reverse("admin:khronos_channel_changelist"), page_of(channel)):
        page = operator.get(url).content.decode()
        assert not any(secret in page for secret in hidden)
        assert "4711:••••" in page


def test_what_is_left_empty_stays(operator: Client) -> None:
    channel = make.make_channel(token="4711:kept", secret="kept")
    assert operator.post(page_of(channel), form(channel, name="Renamed")).status_code == 302
    channel.refresh_from_db()
    assert (channel.name, channel.token, channel.secret) == ("Renamed", "4711:kept", "kept")


def test_what_is_written_replaces(operator: Client) -> None:
    channel = make.make_channel(token="4711:old", secret="old")
    operator.post(page_of(channel), form(channel, secret="new", previous_secret="old"))
    channel.refresh_from_db()
    assert (channel.token, channel.secret, channel.previous_secret) == ("4711:old", "new", "old")


def test_an_old_secret_is_valid_beside_a_new_one(operator: Client) -> None:
    channel = make.make_channel(secret="old", previous_secret="older")
    operator.post(page_of(channel), form(channel, secret="new"))
    channel.refresh_from_db()
    assert channel.secrets == ["new", "old"]


def test_the_same_secret_written_again_is_no_rotation(operator: Client) -> None:
    channel = make.make_channel(secret="same", previous_secret="older")
    operator.post(page_of(channel), form(channel, secret="same"))
    channel.refresh_from_db()
    assert channel.secrets == ["same", "older"]


def test_the_previous_secret_can_be_forgotten(operator: Client) -> None:
    channel = make.make_channel(secret="new", previous_secret="old")
    data = {"action": "forget_previous_secret", "_selected_action": str(channel.pk), "index": "0"}
    operator.post(reverse("admin:khronos_channel_changelist"), data)
    channel.refresh_from_db()
    assert channel.secrets == ["new"]


def test_a_new_bot_without_a_secret_gets_one(operator: Client) -> None:
    like = make.make_channel()
    operator.post(ADD, form(like, slug="new-bot", token="4712:token"))
    assert len(Channel.objects.get(slug="new-bot").secret) >= 32


def test_a_new_site_without_a_secret_is_refused(operator: Client) -> None:
    like = make.make_channel(kind="web")
    page = operator.post(ADD, form(like, slug="new-site")).content.decode()
    assert "needs a secret that its sender knows" in page
    assert not Channel.objects.filter(slug="new-site").exists()


def test_a_queue_of_another_tenant_is_refused(operator: Client) -> None:
    own, theirs = make.make_queue(), make.make_queue()
    channel = make.make_channel(tenant=own.tenant)
    answer = operator.post(page_of(channel), form(channel, queue=str(theirs.pk)))
    assert (answer.status_code, answer.context["adminform"].errors.keys()) == (200, {"queue"})
    assert operator.post(page_of(channel), form(channel, queue=str(own.pk))).status_code == 302
    channel.refresh_from_db()
    assert channel.queue == own


def test_a_channel_is_switched_off_not_deleted(operator: Client) -> None:
    channel = make.make_channel()
    delete = reverse("admin:khronos_channel_delete", args=[channel.pk])
    assert operator.post(delete, {"post": "yes"}).status_code == 403
