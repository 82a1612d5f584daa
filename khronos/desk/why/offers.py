"""Which repairs of the admin fit the rows of a message now. Who may press them, its pages decide."""

from collections.abc import Iterator

from khronos.desk.why.life import Life
from khronos.desk.why.story import Offer
from khronos.models import Delivery, Turn, Update


def offers(life: Life) -> list[Offer]:
    return [*of_update(life), *of_turn(life), *of_deliveries(life)]


def of_update(life: Life) -> Iterator[Offer]:
    if life.update and life.update.state == Update.State.QUARANTINED:
        yield Offer("quarantined", life.update.pk, "read_again")


def of_turn(life: Life) -> Iterator[Offer]:
    if life.turn and life.turn.state == Turn.State.BURIED:
        yield Offer("turn", life.turn.pk, "answer_again")
    elif life.turn and life.turn.due_at:
        yield Offer("turn", life.turn.pk, "ring_again")


def of_deliveries(life: Life) -> Iterator[Offer]:
    for part in life.deliveries:
        if part.state == Delivery.State.FAILED:
            yield Offer("delivery", part.pk, "send_again")
        elif part.state == Delivery.State.PENDING:
            yield Offer("delivery", part.pk, "send_now")
