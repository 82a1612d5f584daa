"""The inbox of people: who waits longest is taken first, by one colleague, who alone answers, once."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import khronos.urls  # registers the screens
from khronos.conversation import by_people, handoff
from khronos.models import Conversation, Delivery, Message, Queue
from tests import factories as make

assert khronos.urls.urlpatterns
pytestmark = pytest.mark.django_db
Handler, State = Conversation.Handler, Conversation.State
LIST = "/admin/khronos/conversation/"


def waits(queue: Queue, minutes: int) -> Conversation:
    talk = make.make_conversation()
    handoff.hand_off(talk, queue, by="contact")
    Conversation.objects.filter(pk=talk.pk).update(handed_at=timezone.now() - timedelta(minutes=minutes))
    return fresh(talk)


def fresh(talk: Conversation) -> Conversation:
    return Conversation.objects.get(pk=talk.pk)


def since(talk: Conversation) -> datetime | None:
    return fresh(talk).handed_at


def page_of(talk: Conversation) -> str:
    return f"{LIST}{talk.pk}/change/"


@pytest.fixture
def rita(client: Client) -> Client:
    client.force_login(make.make_user(username="rita"))
    return client


def answer(client: Client, talk: Conversation, text: str, token: str = "one") -> str:
    url = reverse("admin:khronos_conversation_answer", args=[talk.pk])
    response = client.post(url, {"text": text, "token": token}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_a_wait_lasts_from_the_first_queue_until_somebody_takes_it() -> None:
    talk, queue, other = make.make_conversation(), make.make_queue(), make.make_queue()
    assert since(talk) is None
    handoff.hand_off(talk, queue, by="contact")
    began = since(talk)
    assert began is not None
    handoff.hand_off(fresh(talk), other, by="olga")
    assert since(talk) == began
    handoff.claim(fresh(talk), make.make_user())
    assert since(talk) is None
    handoff.hand_off(fresh(talk), queue, by="olga")
    assert since(talk) not in (None, began)
    handoff.close(fresh(talk), by="olga")
    assert since(talk) is None
    handoff.hand_off(fresh(talk), queue, by="olga")
    handoff.release(fresh(talk), by="olga")
    assert since(talk) is None


def test_who_waits_longest_is_next_and_two_colleagues_never_get_the_same() -> None:
    queue, other = make.make_queue(), make.make_queue()
    later, first, elsewhere = waits(queue, 5), waits(queue, 50), waits(other, 90)
    rita, olga = make.make_user(), make.make_user()
    assert by_people.take_next(rita, queue.pk) == first
    assert by_people.take_next(olga, queue.pk) == later
    assert by_people.take_next(olga, queue.pk) is None
    assert (fresh(first).operator, fresh(later).operator, fresh(elsewhere).operator) == (rita, olga, None)
    assert by_people.take_next(rita) == elsewhere


def test_the_next_is_taken_by_a_press_and_kept_in_the_history(rita: Client) -> None:
    queue = make.make_queue()
    waits(queue, 5)
    first = waits(queue, 50)
    page = rita.get(f"{LIST}?desk=waiting&queue__id__exact={queue.pk}").content.decode()
    assert page.index(page_of(first)) < page.rindex("/change/")
    assert f'name="queue" value="{queue.pk}"' in page
    response = rita.post(f"{LIST}next/", {"queue": str(queue.pk)})
    assert response["Location"] == page_of(first) + "#newest"
    assert "Taken" in rita.get(f"{LIST}{first.pk}/history/").content.decode()
    mine = rita.get(f"{LIST}?desk=mine").content.decode()
    assert (mine.count("/change/?"), page_of(first) in mine) == (1, True)


def test_the_list_shows_who_waits_longest_first(rita: Client) -> None:
    queue = make.make_queue()
    talks = [waits(queue, minutes) for minutes in (5, 50, 20)]
    bot = make.make_conversation()
    page = rita.get(f"{LIST}?desk=waiting").content.decode()
    places = [page.index(page_of(talk)) for talk in talks]
    assert places[1] < places[2] < places[0]
    assert page_of(bot) not in page


def test_nobody_waits(rita: Client) -> None:
    response = rita.post(f"{LIST}next/", follow=True)
    assert "Nobody waits for a person." in response.content.decode()
    assert rita.get(f"{LIST}next/").status_code == 405


def test_an_answer_written_by_hand_goes_out_once(rita: Client) -> None:
    talk = waits(make.make_queue(), 5)
    rita.post(f"{LIST}next/")
    page = rita.get(page_of(talk)).content.decode()
    assert f"/admin/khronos/conversation/{talk.pk}/answer/" in page
    answer(rita, talk, "We have found it.")
    answer(rita, talk, "We have found it.")
    answer(rita, talk, "   ", token="two")
    said = Message.objects.get(conversation=talk)
    assert (said.author, said.text) == (Message.Author.OPERATOR, "We have found it.")
    assert said.operator is not None
    assert said.operator.username == "rita"
    delivery = Delivery.objects.get()
    assert (delivery.message, delivery.state, delivery.attempts) == (said, Delivery.State.PENDING, 0)
    assert delivery in Delivery.objects.due()


def test_only_who_holds_the_conversation_answers(rita: Client) -> None:
    talk = waits(make.make_queue(), 5)
    assert "not yours" in answer(rita, talk, "Too early.")
    handoff.claim(fresh(talk), make.make_user())
    assert "/answer/" not in rita.get(page_of(talk)).content.decode()
    assert "not yours" in answer(rita, talk, "Of a colleague.")
    assert not Message.objects.filter(conversation=talk).exists()
    assert not Delivery.objects.exists()


def test_who_lost_a_conversation_to_the_assistant_is_told_so_and_takes_it_to_answer(rita: Client) -> None:
    talk = waits(make.make_queue(), 5)
    rita.post(f"{LIST}next/")
    handoff.release(fresh(talk), by="contact")
    page = answer(rita, talk, "We have found it.")
    assert "Not sent: the assistant answers this conversation. Take it to answer yourself." in page
    assert "the contact went back to the assistant" in page
    assert "/answer/" not in page
    assert not Message.objects.filter(conversation=talk).exists()
    rita.post(LIST, {"action": "take", "_selected_action": str(talk.pk)})
    answer(rita, talk, "We have found it.")
    assert Message.objects.get(conversation=talk).text == "We have found it."


def test_who_may_only_look_takes_and_answers_nothing(client: Client) -> None:
    user = make.make_user(is_superuser=False)
    user.user_permissions.set(Permission.objects.filter(codename="view_conversation"))
    client.force_login(user)
    talk = waits(make.make_queue(), 5)
    assert client.post(f"{LIST}next/").status_code == 403
    url = reverse("admin:khronos_conversation_answer", args=[talk.pk])
    assert client.post(url, {"text": "hi", "token": "one"}).status_code == 403
    assert "Take the next" not in client.get(LIST).content.decode()
    assert fresh(talk).operator is None
