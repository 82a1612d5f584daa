"""What operators do with conversations that wait for a person: take the next one, and answer."""

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models.functions import Now

from khronos.bus import doorbell
from khronos.bus.routes import DELIVERY_TASK
from khronos.conversation import handoff
from khronos.delivery.outbox import enqueue
from khronos.models import Conversation, Message, Remark
from khronos.observability.tracing import made

AT_ONCE = 20  # who waits longest; more colleagues than that do not press at the same moment


def take_next(operator: AbstractBaseUser, queue_id: int | None = None) -> Conversation | None:
    """Who has waited longest, of this queue or of all; behind him, where a colleague was quicker."""
    rows = Conversation.objects.waiting()
    if queue_id is not None:
        rows = rows.filter(queue=queue_id)
    return next((row for row in rows[:AT_ONCE] if handoff.claim(row, operator)), None)


def say(conversation: Conversation, operator: AbstractBaseUser, text: str, token: str) -> bool:
    """Once for each token, however often a button was pressed. False where it is not this operator's."""
    with transaction.atomic():
        mine = Conversation.objects.held_by(operator.pk).filter(pk=conversation.pk)
        if mine.select_for_update().first() is None:
            return False
        key = {"conversation": conversation, "author": Message.Author.OPERATOR, "external_id": token}
        if Message.objects.filter(**key).exists():
            return True
        mine.update(acted_at=Now())
        message = Message.objects.create(**key, operator_id=operator.pk, text=text)
        parts = enqueue(conversation, message, made(), leased_to_us=False)

        def ring() -> None:  # with a name: Django fails over a partial that fails
            doorbell.ring(DELIVERY_TASK, [part.pk for part in parts[:1]])

        transaction.on_commit(ring, robust=True)
    return True


def note(conversation: Conversation, operator: AbstractBaseUser, text: str, token: str) -> None:
    """For colleagues; once for each token. Of the holder it is a sign of life."""
    about = {"conversation": conversation, "operator_id": operator.pk, "text": text}
    with transaction.atomic():
        Remark.objects.get_or_create(token=token, defaults=about)
        Conversation.objects.held_by(operator.pk).filter(pk=conversation.pk).update(acted_at=Now())
