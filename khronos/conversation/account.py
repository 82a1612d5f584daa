"""Whatever models are asked for is in the ledger, also where the try comes to nothing."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from django.db import Error

from khronos.models import Summary, Turn, Usage
from khronos.models.commit import commit
from khronos.usage import budget, ledger
from khronos.usage.charging import charged_to


@contextmanager
def account(turn: Turn | Summary, kind: Usage.Kind = Usage.Kind.ANSWER) -> Iterator[None]:
    """A try that ends in order writes it with its end; one that lost its lease writes it here."""
    try:
        with charged_to(turn, kind):
            yield
    except BaseException:
        if turn.paid:
            with suppress(Error):
                commit(partial(ledger.write, turn.paid))
        raise
    finally:
        budget.settle(turn)
