"""The page of a conversation: what was said and done, in order, bounded, and safe to look at."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from khronos.models import Conversation, Delivery, Event, Message, Turn
from tests import factories as make
from tests.fixtures.desk import seed


@pytest.fixture
def operator(client: Client, db: None) -> Client:
    client.force_login(make.make_user())
    return client


def page_of(talk: Conversation, query: str = "") -> str:
    return reverse("admin:khronos_conversation_change", args=[talk.pk]) + query


def read(client: Client, talk: Conversation, query: str = "") -> str:
    response = client.get(page_of(talk, query))
    assert response.status_code == 200
    return response.content.decode()


def texts(page: str) -> list[str]:
    return re.findall(r'<div class="kh-text">(.*?)</div>', page, re.DOTALL)


def act(client: Client, noun: str, name: str, pk: object, talk: Conversation, **more: str) -> str:
    data = {"action": name, "_selected_action": str(pk), "index": "0", "next": page_of(talk)}
    response = client.post(reverse(f"admin:khronos_{noun}_changelist"), data | more, follow=True)
    assert response.redirect_chain == [(page_of(talk), 302)]
    return response.content.decode()


def test_everything_that_happened_is_on_the_page(operator: Client) -> None:
    page = read(operator, seed())
    for words in (
        "Bom dia! Vocês abrem no feriado?",
        "✓ sent",
        "✗ 2/2 failed: 400: message is too long",
        "may be a repeat",
        "thinking 1.3 s · claude-sonnet-5-5 · 812 + 64 tokens",
        "3 workers died or failed over it",
        "answer written: anthropic, claude-sonnet-5-5",
        "taken by a person: rita",
        "edited",
        "One update is not yet taken up by the dispatcher",
        "anthropic: 529 overloaded",
    ):
        assert words in page
    assert "<b>Obrigada!</b>" not in page
    assert "&lt;b&gt;Obrigada!&lt;/b&gt;" in page


def test_events_stand_in_time_with_their_distance_from_the_question(operator: Client) -> None:
    talk = make.make_conversation()
    turn = make.make_turn(conversation=talk, state=Turn.State.ANSWERED)
    asked = make.make_message(conversation=talk, turn=turn, text="Why?")
    for after_s, type_ in ((0.25, Event.Type.HANDOFF_REQUESTED), (75, Event.Type.MESSAGE_SENT)):
        make.make_event(
            conversation=talk,
            type=type_,
            trace_id=turn.trace_id,
            timestamp=asked.created_at + timedelta(seconds=after_s),
        )
    shown = re.findall(r"<time[^>]*>(\+[^<]*)</time> <a[^>]*>(\w+)", read(operator, talk))
    assert shown == [("+250 ms", "routed"), ("+75 s", "sent")]


def test_a_long_conversation_is_read_page_by_page(operator: Client) -> None:
    talk = make.make_conversation()
    start = timezone.now() - timedelta(hours=1)
    Message.objects.bulk_create(
        Message(conversation=talk, author=Message.Author.CONTACT, text=f"number {n}") for n in range(450)
    )
    for n, message in enumerate(Message.objects.order_by("pk")):
        Message.objects.filter(pk=message.pk).update(created_at=start + timedelta(seconds=n))
        if n in (10, 220, 440):
            at = start + timedelta(seconds=n, milliseconds=500)
            make.make_event(conversation=talk, timestamp=at, payload={"reason": f"event {n}"})
    seen: list[str] = []
    query, pages = "", 0
    while True:
        page = read(operator, talk, query)
        seen = texts(page) + seen
        pages += 1
        assert page.count('class="kh-told') == 1
        earlier = re.search(r'href="(\?before=\d+)"[^>]*>Earlier messages', page)
        if not earlier:
            break
        query = earlier[1]
    assert seen == [f"number {n}" for n in range(450)]
    assert pages == 3
    assert "To the newest messages" in page


def test_the_page_asks_as_often_for_many_messages_as_for_few(operator: Client) -> None:
    def count(talk: Conversation, messages: int) -> int:
        for _ in range(messages):
            turn = make.make_turn(conversation=talk, state=Turn.State.ANSWERED)
            said = make.make_message(conversation=talk, turn=turn, author=Message.Author.BOT)
            make.make_delivery(message=said, state=Delivery.State.SENT)
            make.make_event(conversation=talk)
        with CaptureQueriesContext(connection) as captured:
            read(operator, talk)
        return len(captured)

    talk = make.make_conversation()
    assert count(talk, 2) == count(talk, 20) < 30


def test_events_can_be_left_out(operator: Client) -> None:
    talk = seed()
    assert 'class="kh-told' in read(operator, talk)
    page = read(operator, talk, "?events=0")
    assert 'class="kh-told' not in page
    assert "Bom dia, Ana!" in page


@pytest.mark.parametrize("before", ["x", "-1", "²", "9" * 40, ""])
def test_a_wrong_page_number_is_the_newest_page(operator: Client, before: str) -> None:
    assert "Bom dia, Ana!" in read(operator, seed(), f"?before={before}")


def test_what_failed_is_sent_again_from_the_page(operator: Client) -> None:
    talk = seed()
    failed = Delivery.objects.get(state=Delivery.State.FAILED)
    page = act(operator, "delivery", "send_again", failed.pk, talk)
    assert "Will be sent: 1." in page
    failed.refresh_from_db()
    assert failed.state == Delivery.State.PENDING


def test_a_conversation_goes_to_a_queue_and_back_and_is_closed(operator: Client) -> None:
    talk = seed()
    sales = talk.tenant.queues.get(slug="sales")
    page = act(operator, "conversation", "hand_to_queue", talk.pk, talk, queue=str(sales.pk))
    assert "Waits for a person in “Sales”." in page
    assert "Handed to the assistant: 1." in act(operator, "conversation", "hand_to_bot", talk.pk, talk)
    assert "The conversation is closed" in act(operator, "conversation", "close", talk.pk, talk)
    again = act(operator, "conversation", "close", talk.pk, talk)
    assert "their state does not allow it: 1." in again


def test_a_conversation_never_goes_to_a_queue_of_another_tenant(operator: Client) -> None:
    talk, foreign = make.make_conversation(), make.make_queue()
    act(operator, "conversation", "hand_to_queue", talk.pk, talk, queue=str(foreign.pk))
    talk.refresh_from_db()
    assert (talk.handler, talk.queue) == (Conversation.Handler.BOT, None)


def test_without_a_choice_the_default_queue_is_taken(operator: Client) -> None:
    talk = make.make_conversation()
    make.make_queue(tenant=talk.tenant)
    default = make.make_queue(tenant=talk.tenant, is_default=True)
    act(operator, "conversation", "hand_to_queue", talk.pk, talk)
    talk.refresh_from_db()
    assert talk.queue == default


@pytest.mark.parametrize("odd", ["²", "٣", "1e3", "9" * 30, ""])
def test_a_queue_that_is_no_number_is_no_choice(operator: Client, odd: str) -> None:
    talk = make.make_conversation()
    act(operator, "conversation", "hand_to_queue", talk.pk, talk, queue=odd)
    talk.refresh_from_db()
    assert (talk.handler, talk.queue) == (Conversation.Handler.BOT, None)


def test_a_quiet_conversation_says_so(operator: Client) -> None:
    page = read(operator, make.make_conversation())
    assert "Nothing waits here." in page
    assert "Nothing was said yet." in page
