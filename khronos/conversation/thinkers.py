"""Who answers turns: a crew in the agent's process. Celery only brings the rings, many turns in one.

A ring is done with when the last of its turns has begun: a turn is a row, and is found by its lease when
its worker dies (docs/adr/0006-celery-brings-rings-a-crew-thinks.md).
"""

from collections.abc import Iterable
from functools import cache, partial

from django.conf import settings
from django.db import close_old_connections

from khronos.conversation import turn
from khronos.database import give_back
from khronos.resilience.crew import Crew


@cache
def crew() -> Crew:
    return Crew("thinker", settings.AGENT_THREADS)


def begin(turn_ids: Iterable[int]) -> None:
    """Back when somebody is at each of them."""
    for turn_id in turn_ids:
        crew().begin(partial(take, turn_id))


def take(turn_id: int) -> None:
    close_old_connections()
    try:
        turn.take(turn_id)
    finally:
        give_back()
