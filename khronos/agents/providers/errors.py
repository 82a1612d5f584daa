"""Answers that say nothing, and what an operator is told of a model that refuses us."""

from khronos.agents.providers.base import Completion
from khronos.exceptions import Failure, Permanent, Transient, Unauthorized

# How an alert begins; what is not here is the key.
COMPLAINTS = {
    "400": "wants to be paid",
    "402": "wants to be paid",
    "404": "does not know our model",
    "429": "wants to be paid",
}


class Wordless(Failure):
    """An answer that says nothing, and is paid for all the same."""

    answer: Completion | None = None


class Empty(Wordless, Transient):
    """The next one may say something."""


class CutShort(Wordless, Permanent):
    """The tokens ran out before its first word."""


def complaint(error: Unauthorized) -> str:
    return COMPLAINTS.get(str(error)[:3], "refuses our key")
