"""What is given up is kept whole, and can be done again from the command line."""

import re

import pytest
from django.core.management import CommandError
from django.db import OperationalError

from bench.simulator import Simulator
from khronos.celery import app
from khronos.knowledge import intake, readers
from khronos.models import Channel, DeadLetter, Delivery, Document, Turn
from tasks.base import Rowless
from tests import factories as make
from tests.integration import way

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]
ANA = 7


def test_a_delivery_that_failed_for_good_is_kept_and_replayed(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.fail(status=400, method="sendMessage", description="Bad Request: chat not found")
    sim.telegram.say(ANA, "hi")
    way.fetch(telegram)
    way.dispatch()
    way.answer()
    letter = DeadLetter.objects.get()
    delivery = Delivery.objects.get()
    assert (letter.source, letter.name, letter.key) == ("delivery", "delivery", str(delivery.pk))
    assert "chat not found" in letter.reason
    assert (letter.trace_id, letter.attempts) == (delivery.trace_id, 1)
    sim.telegram.heal()
    assert f"Delivery {delivery.pk} is due now." in way.run("replay", str(letter.pk))
    way.answer()
    assert sim.telegram.answers(ANA) == ["You said: hi"]
    assert not DeadLetter.objects.filter(replayed_at=None).exists()


def test_a_delivery_that_fails_again_is_open_again(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.fail(status=400, method="sendMessage", description="Bad Request: chat not found")
    sim.telegram.say(ANA, "hi")
    way.fetch(telegram)
    way.dispatch()
    way.answer()
    way.run("replay", "--all")
    assert not DeadLetter.objects.filter(replayed_at=None).exists()
    way.answer()
    assert DeadLetter.objects.get().replayed_at is None


@pytest.mark.parametrize("chat", [ANA, -50])
def test_who_does_not_want_to_hear_from_us_is_no_dead_letter(
    telegram: Channel, sim: Simulator, chat: int
) -> None:
    sim.telegram.say(chat, "@khronos_bot hi", sender=ANA)
    sim.telegram.block(chat)
    way.all_the_way(telegram)
    assert Delivery.objects.get().state == Delivery.State.FAILED
    assert not DeadLetter.objects.exists()


@pytest.mark.parametrize(("failures", "tries", "letters"), [(5, 6, 0), (6, 6, 1)])
def test_a_job_that_meets_a_database_in_trouble_is_tried_again(
    failures: int, tries: int, letters: int
) -> None:
    times = []

    @app.task(base=Rowless, name="tests.stumble", shared=False)
    def stumble() -> None:
        times.append(1)
        if len(times) <= failures:
            raise OperationalError("deadlock detected")

    try:
        stumble.apply()
    finally:
        app.tasks.pop("tests.stumble")
    assert len(times) == tries
    assert DeadLetter.objects.filter(name="tests.stumble", attempts=tries).count() == letters


def test_a_document_that_failed_is_kept_and_replayed_once() -> None:
    document = intake.add(make.make_tenant(), "a.html", b"<script>1</script>")
    readers.read_all()
    letter = DeadLetter.objects.get()
    assert (letter.source, letter.key, letter.attempts) == ("document", str(document.pk), 1)
    assert letter.payload == {"document_id": document.pk, "source": "a.html"}
    assert "There is no text in it" in letter.reason
    assert f"Document {document.pk} is due now." in way.run("replay", "document")
    assert list(Document.objects.due()) == [document]
    with pytest.raises(CommandError, match="0 of 1"):
        way.run("replay", str(letter.pk))
    assert readers.read_all() == 1  # it fails again
    assert DeadLetter.objects.get().replayed_at is None


@pytest.mark.parametrize("how", ["retry", "new version", "remove"])
def test_a_document_that_is_cared_for_elsewhere_leaves_no_open_letter(how: str) -> None:
    tenant = make.make_tenant()
    document = intake.add(tenant, "a.html", b"<script>1</script>")
    readers.read_all()
    assert DeadLetter.objects.get().replayed_at is None
    match how:
        case "retry":
            assert intake.try_again(document)
        case "new version":
            intake.add(tenant, "a.html", b"<p>Hello there</p>")
        case "remove":
            intake.remove(document)
    assert DeadLetter.objects.get().replayed_at is not None


def test_dead_letters_are_listed_and_replayed_by_kind() -> None:
    assert way.run("replay") == "No dead letters."
    assert way.run("replay", "--all") == "Nothing to replay: no dead letter is open."
    turn = make.make_turn(state=Turn.State.BURIED)
    letter = make.make_dead_letter(source="turn", name="turn", key=str(turn.pk), reason="poison")
    task = make.make_dead_letter()
    shown = way.run("replay")
    assert re.search(rf"{letter.pk} turn \d s turn {turn.pk} poison", shown)
    assert f"{task.pk} task" in shown
    said = way.run("replay", "turn")
    assert f"✅ {letter.pk} turn {turn.pk}: Turn {turn.pk} is due now." in said
    assert said.endswith("1 replayed.")
    assert list(DeadLetter.objects.filter(replayed_at=None)) == [task]
    assert turn in Turn.objects.due()


def test_what_cannot_be_replayed_is_told_and_fails_the_command() -> None:
    gone = make.make_dead_letter(source="turn", name="turn", key="0")
    turn = make.make_turn(state=Turn.State.BURIED)
    letter = make.make_dead_letter(source="turn", name="turn", key=str(turn.pk))
    with pytest.raises(CommandError, match="1 of 2 were replayed"):
        way.run("replay", "--all")
    assert list(DeadLetter.objects.filter(replayed_at=None)) == [gone]
    with pytest.raises(CommandError, match="0 of 1"):
        way.run("replay", str(letter.pk))  # a second time
    with pytest.raises(CommandError, match="kinds are stream, task, turn, delivery"):
        way.run("replay", "999999999")
