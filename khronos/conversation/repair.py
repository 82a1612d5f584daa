"""An operator's hand on a row: ring again, answer again, send again, read again, replay a dead letter.

Every repair is one conditional UPDATE, and only makes a row due: the usual workers do the rest. Running
one twice, or while a worker is quicker, changes nothing, and the answer says so.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from khronos.bus.doorbell import UNREACHABLE
from khronos.bus.events import update_of
from khronos.celery import app
from khronos.knowledge import intake
from khronos.models import DeadLetter, Delivery, Document, Turn, Update
from khronos.models.deadletter import close

# A row that starts anew: due now, no ring, no failures; the fence keeps out whoever held it before.
ANEW: dict[str, Any] = {
    "due_at": Now(),
    "rung_at": None,
    "attempts": 0,
    "deferrals": 0,
    "fence": F("fence") + 1,
    "reason": "",
}


class Unrepairable(Exception):
    """Nothing can be done with this row; the text says why."""


def ring_again(turn: Turn) -> bool:
    """Try at once: a turn that waits or is parked, or one whose worker's lease has run out."""
    idle = Q(state__in=[Turn.State.WAITING, Turn.State.PARKED]) | Q(
        state=Turn.State.WORKING, due_at__lte=Now()
    )
    return bool(Turn.objects.filter(idle, pk=turn.pk).update(**ANEW))


def answer_again(turn: Turn) -> bool:
    """Answer a turn that was given up; where its conversation collects already, as a part of that turn."""
    for _try in range(3):
        try:
            with transaction.atomic():
                return revive(turn)
        except IntegrityError:
            continue  # the dispatcher began a turn between our look and our write
    return False


def revive(turn: Turn) -> bool:
    buried = Turn.objects.filter(pk=turn.pk, state=Turn.State.BURIED)
    if other := collecting(turn):
        done = buried.update(state=Turn.State.SILENT, reason=f"answered with turn {other.pk}")
        if done:
            turn.messages.update(turn=other)
    else:
        done = buried.update(state=Turn.State.WAITING, **ANEW)
    if done:
        close(DeadLetter.Source.TURN, turn.pk)
    return bool(done)


def collecting(turn: Turn) -> Turn | None:
    """Locked, so that no worker takes it before our messages are in it."""
    waiting = Turn.objects.filter(conversation=turn.conversation_id, state=Turn.State.WAITING)
    return waiting.select_for_update().first()


def send_again(delivery: Delivery) -> bool:
    """Send what had failed. What may have arrived stays marked as a possible repeat."""
    with transaction.atomic():
        done = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.FAILED).update(
            state=Delivery.State.PENDING, **ANEW
        )
        if done:
            close(DeadLetter.Source.DELIVERY, delivery.pk)
    return bool(done)


def send_now(delivery: Delivery) -> bool:
    """Do not wait for the next try."""
    pending = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.PENDING)
    return bool(pending.update(due_at=Now(), rung_at=None))


def read_again(update: Update) -> bool:
    """Out of the quarantine: the dispatcher tries to understand it once more."""
    quarantined = Update.objects.filter(pk=update.pk, state=Update.State.QUARANTINED)
    return bool(quarantined.update(state=Update.State.RECEIVED, reason=""))


def replay(letter: DeadLetter) -> str:
    """Do the work of a dead letter after all, once; answers what was done. Raises Unrepairable."""
    mine = DeadLetter.objects.filter(pk=letter.pk)
    if not mine.filter(replayed_at=None).update(replayed_at=Now()):
        raise Unrepairable(_("It was replayed before."))
    try:
        return REPLAY[DeadLetter.Source(letter.source)](letter)
    except BaseException:
        mine.update(replayed_at=None)
        raise


def replay_turn(letter: DeadLetter) -> str:
    turn = Turn.objects.filter(pk=number(letter.key)).first()
    if turn is None or not (answer_again(turn) or ring_again(turn)):
        raise Unrepairable(_("Its turn is gone or settled."))
    return _("Turn %(id)s is due now.") % {"id": turn.pk}


def replay_delivery(letter: DeadLetter) -> str:
    delivery = Delivery.objects.filter(pk=number(letter.key)).first()
    if delivery is None or not (send_again(delivery) or send_now(delivery)):
        raise Unrepairable(_("Its delivery is gone or settled."))
    return _("Delivery %(id)s is due now.") % {"id": delivery.pk}


def replay_document(letter: DeadLetter) -> str:
    document = Document.objects.filter(pk=number(letter.key)).first()
    if document is None or not intake.try_again(document):
        raise Unrepairable(_("Its document is gone, or has not failed."))
    transaction.on_commit(partial(intake.ring, document))
    return _("Document %(id)s is due now.") % {"id": document.pk}


def replay_task(letter: DeadLetter) -> str:
    work = letter.payload
    try:
        app.send_task(
            letter.name,
            args=work.get("args") or [],
            kwargs=work.get("kwargs") or {},
            queue=work.get("queue") or None,
            retry=False,
        )
    except UNREACHABLE as error:
        raise Unrepairable(
            _("The broker cannot be reached: %(why)s.") % {"why": type(error).__name__}
        ) from error
    return _("Task %(name)s was queued.") % {"name": letter.name}


def replay_stream(letter: DeadLetter) -> str:
    """An entry of the stream is only the doorbell of its update."""
    pk = update_of(str(letter.payload.get("idempotency_key", "")))
    update = Update.objects.filter(pk=pk).first() if pk else None
    if update is None:
        raise Unrepairable(_("It names no update that is here."))
    if update.state == Update.State.DISPATCHED:
        return _("Update %(id)s was dispatched meanwhile.") % {"id": update.pk}
    read_again(update)
    return _("Update %(id)s waits for the dispatcher.") % {"id": update.pk}


def number(text: str) -> int:
    """A row's number; no row has the number 0."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


REPLAY: dict[DeadLetter.Source, Callable[[DeadLetter], str]] = {
    DeadLetter.Source.TURN: replay_turn,
    DeadLetter.Source.DELIVERY: replay_delivery,
    DeadLetter.Source.DOCUMENT: replay_document,
    DeadLetter.Source.TASK: replay_task,
    DeadLetter.Source.STREAM: replay_stream,
}
