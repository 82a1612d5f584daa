"""A model provider: it asks what it was asked, and what fails is said in our words (docs/models.md)."""

from collections.abc import Iterator

from django.conf import settings

from khronos.agents.providers import class_of
from khronos.agents.providers.base import Line, Prompt
from khronos.exceptions import Failure, Permanent, Throttled, Transient, Unauthorized
from khronos.management.contracts.channel import misjudged
from khronos.management.contracts.lookalike import (
    CUT,
    GARBAGE,
    NOTHING,
    OUR_FAULT,
    OUTAGE,
    TOO_OFTEN,
    WRONG_KEY,
    LookAlike,
    Manner,
)

QUESTION, RULE = "What is the answer of the contract?", "You keep the contract."
ANSWERS: tuple[tuple[str, Manner, type[Failure]], ...] = (
    ("a 500", OUTAGE, Transient),
    ("a cut line", CUT, Transient),
    ("a page that is no answer", GARBAGE, Transient),
    ("an answer without words", NOTHING, Transient),
    ("a 429", TOO_OFTEN, Throttled),
    ("a 401", WRONG_KEY, Unauthorized),
    ("a 400", OUR_FAULT, Permanent),
)


def broken(name: str, service: LookAlike) -> Iterator[str]:
    setattr(settings, f"{name.upper()}_BASE_URL", service.url)
    setattr(settings, f"{name.upper()}_API_KEY", "sk-of-the-contract")
    provider = class_of(name)()
    prompt = Prompt(RULE, [Line("user", QUESTION)])
    for what, manner, failure in ANSWERS:
        with service.behaving(manner):
            yield from misjudged(what, failure, lambda: provider.complete(prompt))
            said = b"".join(body for _, _, body in service.heard).decode("utf-8", "replace")
            if not said:
                yield f"{what}: nobody was asked at {service.url}, which is {name.upper()}_BASE_URL"
                return
    for words, what in ((QUESTION, "the question"), (RULE, "the instructions")):
        if words not in said:
            yield f"{what} was not sent"
    service.stop()
    yield from misjudged("nobody there", Transient, lambda: provider.complete(prompt))
