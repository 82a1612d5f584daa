"""What open pages of the inbox ask for: nothing while nothing changed, and then what is new."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

import khronos.urls  # registers the screens
from khronos.conversation import by_people, handoff, pausing
from khronos.models import Attachment, Conversation, Delivery, Message, Turn
from tests import factories as make
from tests.integration.test_why_cost import scans

assert khronos.urls.urlpatterns
pytestmark = pytest.mark.django_db
TABLES = (
    "conversation",
    "message",
    "turn",
    "delivery",
    "event",
    "attachment",
    "toolcall",
    "remark",
    "update",
)


@pytest.fixture
def rita(client: Client) -> Client:
    client.force_login(make.make_user(username="rita"))
    return client


@pytest.fixture
def talk(rita: Client) -> Conversation:
    held = make.make_conversation(title="Ana")
    make.make_message(conversation=held, turn=make.make_turn(conversation=held), text="Hello?")
    handoff.claim(held, make.make_user())
    return held


def news(client: Client, talk: Conversation, mark: str = "", **query: str) -> dict[str, str]:
    address = reverse("admin:khronos_conversation_news", args=[talk.pk], query={"mark": mark} | query)
    response = client.get(address)
    assert (response.status_code, "no-store" in response["Cache-Control"]) == (200, True)
    return dict(response.json())


def said(talk: Conversation) -> None:
    make.make_message(conversation=talk, text="Anybody?")


def edited(talk: Conversation) -> None:
    Conversation.objects.filter(pk=talk.pk).update(updated_at=timezone.now())  # as the dispatcher does


def answered(talk: Conversation) -> None:
    assert talk.operator is not None
    assert by_people.say(talk, talk.operator, "Here.", "one")


def taken_up(talk: Conversation) -> None:
    Turn.objects.update(state=Turn.State.WORKING)


def given_to_the_bot(talk: Conversation) -> None:
    assert handoff.release(talk, by="olga")


def read(talk: Conversation) -> None:
    Attachment.objects.update(state=Attachment.State.READ)


def paused(talk: Conversation) -> None:
    pausing.pause(talk, "olga")


@pytest.mark.parametrize("change", [said, edited, answered, taken_up, given_to_the_bot, read, paused])
def test_a_change_is_told_once(
    rita: Client, talk: Conversation, change: Callable[[Conversation], None]
) -> None:
    make.make_attachment(message=Message.objects.get(), state=Attachment.State.FETCHED)
    first = news(rita, talk)
    assert "Hello?" in first["talk"]
    assert news(rita, talk, first["mark"]) == {"mark": first["mark"]}
    said(make.make_conversation())  # of somebody else
    assert news(rita, talk, first["mark"]) == {"mark": first["mark"]}
    change(talk)
    second = news(rita, talk, first["mark"])
    assert ("talk" in second, second["mark"] != first["mark"]) == (True, True)
    assert news(rita, talk, second["mark"]) == {"mark": second["mark"]}


def test_a_delivery_is_followed_until_it_is_sent(rita: Client, talk: Conversation) -> None:
    answered(talk)
    mark, seen = "", []
    for state, due_at in (("pending", timezone.now()), ("sending", timezone.now()), ("sent", None)):
        Delivery.objects.update(state=state, due_at=due_at)
        told = news(rita, talk, mark)
        seen += [sign for sign in "…✓" if sign in told["talk"]]
        mark = told["mark"]
    assert seen == ["…", "…", "✓"]


def test_the_page_and_the_news_know_the_same_mark(rita: Client, talk: Conversation) -> None:
    page = rita.get(reverse("admin:khronos_conversation_change", args=[talk.pk])).content.decode()
    assert f'data-mark="{news(rita, talk)["mark"]}"' in page
    assert (
        "data-mark"
        not in rita.get(
            reverse("admin:khronos_conversation_change", args=[talk.pk], query={"before": 1})
        ).content.decode()
    )


def test_news_lead_back_to_the_page_and_leave_out_what_it_leaves_out(
    rita: Client, talk: Conversation
) -> None:
    page = reverse("admin:khronos_conversation_change", args=[talk.pk])
    told = news(rita, talk)["talk"]
    assert ("kh-told" in told, f'name="next" value="{page}"' in told, "/news/" in told) == (True, True, False)
    assert "kh-told" not in news(rita, talk, events="0")["talk"]


def test_an_answer_of_a_live_page_is_told_in_json(rita: Client, talk: Conversation) -> None:
    url = reverse("admin:khronos_conversation_answer", args=[talk.pk])
    given: dict[str, Any] = {"data": {"text": "Here.", "token": "one"}}
    given["headers"] = {"Accept": "application/json"}
    refused = rita.post(url, **given)
    assert (refused.status_code, "not yours" in refused.json()["error"]) == (409, True)
    assert not Delivery.objects.exists()
    Conversation.objects.update(operator=int(rita.session["_auth_user_id"]))
    tokens = [rita.post(url, **given).json()["token"] for _ in range(2)]
    assert len({*tokens, "one"}) == 3
    assert Delivery.objects.count() == 1


def test_the_list_hears_how_many_wait_and_are_mine(rita: Client) -> None:
    url, queue = reverse("admin:khronos_conversation_counts"), make.make_queue()
    nobody = rita.get(url).json()
    assert nobody["newest"] == ["", ""]
    waits = make.make_conversation()
    handoff.hand_off(waits, queue, by="contact")
    one = rita.get(url, {"queue__id__exact": queue.pk}).json()
    assert "waits for a person: 1" in one["counts"]
    assert (one["newest"][0] > "", one["newest"][1]) == (True, "")
    elsewhere = rita.get(url, {"queue__id__exact": make.make_queue().pk}).json()
    assert ("waits for a person: 0" in elsewhere["counts"], elsewhere["newest"]) == (True, ["", ""])
    rita.post(reverse("admin:khronos_conversation_next"))
    mine = rita.get(url).json()
    assert ("mine: 1" in mine["counts"], mine["newest"][0], mine["newest"][1] > "") == (True, "", True)


@pytest.mark.parametrize("permissions", [[], ["view_message"]])
def test_strangers_hear_nothing(client: Client, permissions: list[str]) -> None:
    talk = make.make_conversation()
    urls = [
        reverse("admin:khronos_conversation_news", args=[talk.pk]),
        reverse("admin:khronos_conversation_counts"),
    ]
    assert [client.get(url).status_code for url in urls] == [302, 302]
    user = make.make_user(is_superuser=False)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    assert [client.get(url).status_code for url in urls] == [403, 403]


def test_asking_is_cheap_and_reads_no_whole_table(rita: Client, talk: Conversation) -> None:
    mark = news(rita, talk)["mark"]
    asked = {}
    for name, url in (
        ("news", reverse("admin:khronos_conversation_news", args=[talk.pk], query={"mark": mark})),
        ("counts", reverse("admin:khronos_conversation_counts")),
    ):
        with CaptureQueriesContext(connection) as captured:
            assert rita.get(url).status_code == 200
        asked[name] = len(captured)
        assert [plan for query in captured for plan in scans(query["sql"], TABLES)] == []
    assert asked == {"news": 11, "counts": 6}
