"""Celery's ports to what keeps Khronos in order."""

from celery import shared_task

from khronos.backup import validate
from khronos.backup import watch as copies
from khronos.checks import look
from khronos.conversation import budgets, lapsing, left_alone, registration, summaries
from khronos.conversation import sweep as sweeper
from khronos.herald import sweep as herald
from khronos.models import Update
from khronos.usage import ledger
from tasks.base import Rowless


@shared_task(base=Rowless)
def sweep() -> None:
    """A second pair of eyes beside the dispatcher's own."""
    sweeper.ring_for_due_work()
    herald.take_notes()


@shared_task(base=Rowless)
def hurry(service: str = "") -> None:
    """What was away is back: whoever waits for it may go."""
    sweeper.hurry(service)


@shared_task(base=Rowless)
def watch_channels() -> None:
    registration.watch_all()


@shared_task(base=Rowless)
def look_around() -> None:
    look.look_around()


@shared_task(base=Rowless)
def watch_budgets() -> None:
    budgets.watch()


@shared_task(base=Rowless)
def sum_up() -> None:
    summaries.wake()


@shared_task(base=Rowless)
def let_questions_lapse() -> None:
    lapsing.sweep()


@shared_task(base=Rowless)
def give_back_what_is_left_alone() -> None:
    left_alone.sweep()


@shared_task(base=Rowless)
def forget_updates() -> None:
    Update.objects.forget_old()


@shared_task(base=Rowless)
def forget_usage() -> None:
    ledger.forget_old()


@shared_task(base=Rowless)
def watch_copies() -> None:
    copies.watch()


@shared_task(base=Rowless)
def make_copy() -> None:
    validate.make_in_a_process()


@shared_task(base=Rowless)
def try_copy() -> None:
    validate.try_in_a_process()
