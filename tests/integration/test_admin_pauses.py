"""Pausing by a click: who may, what is shown where, what is kept of it."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from khronos.conversation import pausing
from khronos.models import Alert, Channel, Conversation, Pause, Turn
from tests import factories as make

pytestmark = pytest.mark.usefixtures("bus")
NOUNS = ["channel", "conversation", "tenant"]


@pytest.fixture
def row(request: pytest.FixtureRequest, db: None) -> Model:
    talk = make.make_turn().conversation
    known: dict[str, Model] = {"channel": talk.channel, "conversation": talk, "tenant": talk.tenant}
    return known[request.param]


def list_of(model: type[Model]) -> str:
    return reverse(f"admin:khronos_{model._meta.model_name}_changelist")


def page_of(row: Model) -> str:
    return reverse(f"admin:khronos_{row._meta.model_name}_change", args=[row.pk])


def press(client: Client, name: str, row: Model) -> str:
    data = {"action": name, "_selected_action": str(row.pk), "index": "0", "next": page_of(row)}
    response = client.post(list_of(type(row)), data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def read(client: Client, url: str) -> str:
    return client.get(url).content.decode()


def staff(*permissions: str) -> User:
    user = make.make_user(is_superuser=False)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


@pytest.mark.parametrize("row", NOUNS, indirect=True)
def test_a_row_is_paused_and_resumed_by_its_button(operator: Client, row: Model) -> None:
    page = read(operator, page_of(row))
    assert 'value="pause"' in page
    assert 'value="resume"' not in page
    page = press(operator, "pause", row)
    assert "Paused: 1." in page
    assert Pause.objects.get().by == "olga"
    assert not Turn.objects.due().exists()
    assert "paused for" in read(operator, list_of(type(row)))
    assert "their state does not allow it: 1." in press(operator, "pause", row)
    assert "Resumed: 1." in press(operator, "resume", row)
    assert "paused for" not in read(operator, list_of(type(row)))
    assert Turn.objects.due().count() == 1
    kept = LogEntry.objects.order_by("pk").values_list("user__username", "object_id", "change_message")
    assert list(kept) == [("olga", str(row.pk), "Paused"), ("olga", str(row.pk), "Resumed")]
    assert not Alert.objects.filter(resolved_at=None).exists()


@pytest.mark.parametrize("row", NOUNS, indirect=True)
def test_who_may_only_look_can_pause_nothing(client: Client, row: Model) -> None:
    client.force_login(staff(f"view_{row._meta.model_name}"))
    assert 'value="pause"' not in read(client, page_of(row))
    press(client, "pause", row)
    assert not Pause.objects.exists()


def test_a_conversation_says_what_holds_it_back(operator: Client) -> None:
    talk = make.make_turn().conversation
    Channel.objects.filter(pk=talk.channel_id).update(name="Bakery")
    talk = Conversation.objects.get(pk=talk.pk)
    for what in (talk, talk.channel, talk.tenant, "agent.ai"):
        pausing.pause(what, "rita")
    pausing.pause(make.make_channel(name="Elsewhere"), "rita")
    page = read(operator, page_of(talk))
    for words in (
        "by rita: this conversation.",
        "by rita: the channel “Bakery”.",
        f"by rita: the tenant “{talk.tenant}”.",
        "by rita: the queue “agent.ai”.",
    ):
        assert page.count(words) == 1
    assert "Elsewhere" not in page


@pytest.mark.parametrize("noun", ["channel", "tenant"])
def test_conversations_of_what_is_paused_are_marked_in_their_list(operator: Client, noun: str) -> None:
    talk = make.make_conversation()
    make.make_conversation()
    pausing.pause(getattr(talk, noun), "rita")
    assert read(operator, list_of(Conversation)).count("paused for") == 1


def test_a_queue_is_paused_and_resumed_in_the_list_of_pauses(operator: Client) -> None:
    turn = make.make_turn()
    add = reverse("admin:khronos_pause_add")
    assert operator.get(add).status_code == 200
    assert operator.post(add, {"queue": "agent.ai"}).status_code == 302
    pause = Pause.objects.get()
    assert (pause.queue, pause.by) == ("agent.ai", "olga")
    assert Alert.objects.get(resolved_at=None).name == "paused.queue.agent.ai"
    assert turn not in Turn.objects.due()
    assert "This field is required" in operator.post(add, {"queue": ""}).content.decode()
    assert "already exists" in operator.post(add, {"queue": "agent.ai"}).content.decode()
    data = {"action": "resume", "_selected_action": str(pause.pk), "index": "0", "next": page_of(pause)}
    response = operator.post(list_of(Pause), data, follow=True)
    assert response.redirect_chain == [(list_of(Pause), 302)]
    assert "Resumed: 1." in response.content.decode()
    assert turn in Turn.objects.due()
    assert not Alert.objects.filter(resolved_at=None).exists()


def test_a_pause_tells_how_much_waits_for_its_end(operator: Client) -> None:
    channel = make.make_channel()
    for _ in range(3):
        make.make_turn(conversation=make.make_conversation(channel=channel))
    pausing.pause(channel, "rita")
    page = re.sub(r"<[^>]*>|\s+", " ", read(operator, page_of(Pause.objects.get())))
    assert re.search(r"Turns that wait +3 +Deliveries that wait +0 ", page)


def test_a_pause_is_never_deleted_without_ringing(operator: Client) -> None:
    pausing.pause("delivery", "rita")
    delete = reverse("admin:khronos_pause_delete", args=[Pause.objects.get().pk])
    assert operator.post(delete, {"post": "yes"}).status_code == 403
    assert Pause.objects.exists()


def test_the_first_page_counts_pauses_and_needs_nobody_for_them(operator: Client) -> None:
    pausing.pause("delivery", "rita")
    assert Alert.objects.filter(resolved_at=None).count() == 1
    page = read(operator, "/admin/")
    assert "Nothing needs a person." in page
    number = re.search(rf'kh-number kh-(\w+)" href="{list_of(Pause)}".*?kh-value">(\d+)<', page, re.DOTALL)
    assert number is not None
    assert number.groups() == ("plain", "1")
