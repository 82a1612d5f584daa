"""Colleagues at one inbox: notes among them, canned answers, and what somebody took and left."""

import logging
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

import khronos.urls  # registers the screens
from khronos.agents import context
from khronos.conversation import by_people, handoff, left_alone
from khronos.models import Contact, Conversation, Delivery, Event, Message, Remark
from tasks.schedule import TIMETABLE
from tests import factories as make

assert khronos.urls.urlpatterns
pytestmark = pytest.mark.django_db
Handler = Conversation.Handler
SECRET = "He shouts at everybody."


@pytest.fixture
def rita(client: Client) -> Client:
    client.force_login(make.make_user(username="rita"))
    return client


def fresh(talk: Conversation) -> Conversation:
    return Conversation.objects.get(pk=talk.pk)


def page(client: Client, talk: Conversation) -> str:
    return client.get(reverse("admin:khronos_conversation_change", args=[talk.pk])).content.decode()


def note(client: Client, talk: Conversation, text: str, token: str) -> int:
    url = reverse("admin:khronos_conversation_note", args=[talk.pk])
    return client.post(url, {"text": text, "token": token}).status_code


def test_a_note_is_read_by_colleagues_and_by_nobody_else(
    rita: Client, caplog: pytest.LogCaptureFixture
) -> None:
    talk = make.make_conversation()
    asked = make.make_message(conversation=talk, turn=make.make_turn(conversation=talk))
    with caplog.at_level(logging.DEBUG):
        assert [note(rita, talk, SECRET, "one") for _ in range(2)] == [302, 302]
    assert note(rita, talk, "  ", "two") == 302
    kept = Remark.objects.get()
    assert (kept.text, kept.operator_id) == (SECRET, int(rita.session["_auth_user_id"]))
    shown = page(rita, talk)
    assert (shown.count(SECRET), "note, not sent" in shown) == (1, True)
    assert list(Message.objects.all()) == [asked]
    assert not Delivery.objects.exists()
    assert asked.turn is not None
    assert SECRET not in repr(context.build(asked.turn, [asked], [asked]))
    assert SECRET not in caplog.text
    assert SECRET not in "".join(str(event.payload) for event in Event.objects.all())
    assert (
        SECRET not in rita.get(reverse("admin:khronos_conversation_history", args=[talk.pk])).content.decode()
    )


def test_a_note_goes_with_its_contact_and_stays_without_its_writer(rita: Client) -> None:
    talk = make.make_conversation()
    writer = make.make_user()
    by_people.note(talk, writer, SECRET, "one")
    writer.delete()
    assert Remark.objects.get().operator is None
    Contact.objects.all().delete()
    assert not Remark.objects.exists()


def test_notes_are_written_by_whoever_may_change_and_erased_by_whoever_may_delete(client: Client) -> None:
    talk, user = make.make_conversation(), make.make_user(is_superuser=False)
    remark = make.make_remark(conversation=talk)
    erase = reverse("admin:khronos_remark_delete", args=[remark.pk])
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_conversation", "view_remark"]))
    client.force_login(user)
    assert (note(client, talk, SECRET, "one"), client.post(erase, {"post": "yes"}).status_code) == (403, 403)
    assert remark.text in page(client, talk)
    assert "Keep the note" not in page(client, talk)
    user.user_permissions.add(Permission.objects.get(codename="delete_remark"))
    assert client.post(erase, {"post": "yes"}).status_code == 302
    assert not Remark.objects.exists()


def test_canned_answers_are_offered_to_who_answers_of_their_tenant_alone(rita: Client) -> None:
    talk = make.make_conversation(contact=make.make_contact(name="Ana {Souza}"))
    make.make_canned_answer(tenant=talk.tenant, name="hello", text="Hello, {name}! {x}")
    make.make_canned_answer(name="foreign")
    assert "kh-canned" not in page(rita, talk)
    Conversation.objects.update(handler=Handler.HUMAN, operator=int(rita.session["_auth_user_id"]))
    shown = page(rita, talk)
    assert 'value="hello" data-text="Hello, Ana {Souza}! {x}"' in shown
    assert "foreign" not in shown
    Contact.objects.update(name="")
    assert 'data-text="Hello! {x}"' in page(rita, talk)


def test_a_conversation_is_taken_over_by_who_may(client: Client) -> None:
    talk, olga = make.make_conversation(), make.make_user(username="olga")
    handoff.claim(talk, olga)
    rita = make.make_user(username="rita", is_superuser=False)
    may = Permission.objects.filter(codename__in=["view_conversation", "change_conversation"])
    rita.user_permissions.set(may)
    client.force_login(rita)
    url = reverse("admin:khronos_conversation_changelist")
    press = {"action": "take_over", "_selected_action": str(talk.pk), "index": "0"}
    assert "Take it over" not in page(client, talk)
    client.post(url, press)
    assert fresh(talk).operator == olga
    rita.user_permissions.add(Permission.objects.get(codename="take_over_conversation"))
    assert "Take it over" in page(client, talk)
    client.post(url, press)
    assert fresh(talk).operator == rita
    assert "Take it over" not in page(client, talk)
    told = Event.objects.latest("pk").payload
    assert (told["by"], told["from"]) == ("rita", "olga")
    history = client.get(reverse("admin:khronos_conversation_history", args=[talk.pk])).content.decode()
    assert "Taken from a colleague" in history
    assert not by_people.say(fresh(talk), olga, "Still me.", "one")


def held(asked_h: float, acted_h: float, queue: bool = True) -> Conversation:
    talk = make.make_conversation()
    make.make_queue(tenant=talk.tenant, is_default=queue)
    handoff.claim(talk, make.make_user(username=f"op-{talk.chat_id}"))
    update = make.make_update(channel=talk.channel)
    said = make.make_message(conversation=talk, update=update)
    make.make_event(
        type=Event.Type.HANDOFF_REQUESTED, conversation=talk, idempotency_key=f"handoff:{update.pk}"
    )
    now = timezone.now()
    Message.objects.filter(pk=said.pk).update(created_at=now - timedelta(hours=asked_h))
    Conversation.objects.filter(pk=talk.pk).update(acted_at=now - timedelta(hours=acted_h))
    return fresh(talk)


def test_who_is_left_alone_waits_in_the_queue_again_once(settings: Settings) -> None:
    settings.LEFT_ALONE_H = 24
    left, nowhere = held(25, 26), held(25, 26, queue=False)
    young, active, answered = held(1, 26), held(26, 1), held(25, 26)
    make.make_message(conversation=answered, author=Message.Author.OPERATOR)
    assert [left_alone.sweep(), left_alone.sweep()] == [1, 0]
    assert (fresh(left).handler, fresh(left).operator, fresh(left).acted_at) == (Handler.QUEUE, None, None)
    assert fresh(left) in Conversation.objects.waiting()
    told = Event.objects.latest("pk")
    assert (told.conversation_id, told.payload["by"]) == (left.pk, "Khronos")
    assert told.payload["reason"] == f"op-{left.chat_id} said nothing for 24 h"
    for talk in (nowhere, young, active, answered):
        assert fresh(talk).handler == Handler.HUMAN
    settings.LEFT_ALONE_H = 0
    held(2500, 2600)
    assert left_alone.sweep() == 0
    assert "tasks.ops.give_back_what_is_left_alone" in [task for task, _when in TIMETABLE.values()]


def test_what_an_operator_does_is_a_sign_of_life() -> None:
    talk, rita = make.make_conversation(), make.make_user()
    assert fresh(talk).acted_at is None
    handoff.claim(talk, rita)
    for deed in (by_people.say, by_people.note):
        Conversation.objects.update(acted_at=None)
        deed(fresh(talk), rita, "hi", deed.__name__)
        assert fresh(talk).acted_at is not None
    Conversation.objects.update(acted_at=None)
    by_people.note(fresh(talk), make.make_user(), "of a colleague", "two")
    assert fresh(talk).acted_at is None
