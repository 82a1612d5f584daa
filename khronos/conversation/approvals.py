"""An operator's yes or no to a call that waits for it; the next turn brings it to the model."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from khronos.bus import doorbell
from khronos.bus.routes import TURN_TASK
from khronos.models import ToolCall, Turn
from khronos.observability.tracing import made


def decide(call: ToolCall, operator: AbstractBaseUser | AnonymousUser, *, is_yes: bool) -> bool:
    """Once: the first who decides has decided. A yes that comes too late is none."""
    open_ = ToolCall.objects.filter(
        pk=call.pk, state=ToolCall.State.ASKED, confirmation="operator", decision=""
    )
    in_time = Q(expires_at__gt=Now()) if is_yes else Q()
    with transaction.atomic():
        decision = "yes" if is_yes else "no"
        if not open_.filter(in_time).update(decision=decision, decided_by=operator.pk, decided_at=Now()):
            return False
        turn, _made = Turn.objects.get_or_create(
            conversation_id=call.turn.conversation_id,
            state=Turn.State.WAITING,
            defaults=call.turn.ids if call.turn.trace_id else made(),
        )

        def ring() -> None:  # with a name: Django fails over a partial that fails
            doorbell.ring(TURN_TASK, [turn.pk])

        transaction.on_commit(ring, robust=True)
    return True
