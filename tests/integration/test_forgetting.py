"""The bytes of old updates go; what was said stays."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from khronos.models import Channel, Message, Update
from tests.factories import make_channel, make_conversation

pytestmark = pytest.mark.django_db

FEW = 10


def make_updates(channel: Channel, count: int, *, days: float, state: str = "dispatched") -> list[Update]:
    at = timezone.now() - timedelta(days=days)
    first = Update.objects.count()
    return Update.objects.bulk_create(
        Update(channel=channel, key=str(first + n), raw=b"{}", trace_id="t", state=state, received_at=at)
        for n in range(count)
    )


def kept_days() -> float:
    return settings.UPDATES_KEPT.total_seconds() / 86_400


def test_old_and_dispatched_ones_go_and_nothing_else() -> None:
    channel = make_channel()
    make_updates(channel, 25, days=kept_days() + 1)
    waiting = make_updates(channel, 3, days=kept_days() + 1, state="received")
    odd = make_updates(channel, 3, days=kept_days() + 1, state="quarantined")
    young = make_updates(channel, 3, days=kept_days() - 1)
    assert Update.objects.forget_old(FEW) == 25
    assert set(Update.objects.all()) == {*waiting, *odd, *young}


def test_messages_stay_without_their_update() -> None:
    conversation = make_conversation()
    old = make_updates(conversation.channel, 15, days=kept_days() + 1)
    [young] = make_updates(conversation.channel, 1, days=0)
    Message.objects.bulk_create(
        Message(conversation=conversation, update=update, author="contact", text="Hello")
        for update in [*old, young]
    )
    Update.objects.forget_old(FEW)
    assert Message.objects.filter(update=None, text="Hello").count() == 15
    assert Message.objects.get(update=young).text == "Hello"


def test_a_slice_is_a_transaction_of_three_statements() -> None:
    make_updates(make_channel(), 25, days=kept_days() + 1)
    with CaptureQueriesContext(connection) as queries:
        Update.objects.forget_old(FEW)
    words = [query["sql"].split()[0] for query in queries]
    assert [words.count(word) for word in ("SELECT", "UPDATE", "DELETE")] == [3, 3, 6]
    assert words.count("SAVEPOINT") == 3  # in a test; else they are transactions
    assert "message" not in "".join(query["sql"] for query in queries if query["sql"].startswith("SELECT"))


def test_a_run_ends_in_time_and_the_next_goes_on() -> None:
    make_updates(make_channel(), 25, days=kept_days() + 1)
    assert [Update.objects.forget_old(FEW, for_s=0) for _ in range(4)] == [10, 10, 5, 0]


def test_the_old_are_found_by_an_index() -> None:
    old = Update.objects.filter(state=Update.State.DISPATCHED, received_at__lt=timezone.now())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        plan = old.order_by("received_at").values_list("pk", flat=True)[:10].explain()
    assert "update_forgettable" in plan
