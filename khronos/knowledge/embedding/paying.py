"""What a hosted embedder costs: reserved before it is asked, in the ledger afterwards (docs/costs.md)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial

from khronos.knowledge.embedding.chosen import embedder
from khronos.models import Document, Tenant, Usage
from khronos.models.commit import commit
from khronos.usage import budget, ledger
from khronos.usage.charging import Errand, charged_to, payer


@contextmanager
def errand(document: Document, texts: Sequence[str]) -> Iterator[Errand | None]:
    """For some parts of a document; whoever keeps their vectors calls `settle` in the same transaction.

    Raises budget.Spent or budget.Held.
    """
    cost = embedder().cost_of(texts)
    if cost is None:
        yield None
        return
    work = Errand(document.tenant, f"document:{document.pk}:{document.fence}")
    budget.reserve(work, cost)
    try:
        with charged_to(work, Usage.Kind.EMBEDDING):
            yield work
    finally:
        if work.paid and not work.is_written:
            commit(partial(ledger.write, work.paid))
        budget.settle(work)


def settle(work: Errand | None) -> None:
    if work is not None:
        ledger.write(work.paid)
        work.is_written = True


@contextmanager
def question(tenant: int, texts: Sequence[str]) -> Iterator[None]:
    """By the turn that asks, else by a row of its own. Raises budget.Spent or budget.Held."""
    cost = embedder().cost_of(texts)
    if cost is None:
        yield
        return
    asking = payer()
    work = asking or Errand(Tenant.objects.get(pk=tenant), f"question:{id(texts)}")
    budget.reserve(work, cost)
    with charged_to(work, Usage.Kind.EMBEDDING) if asking is None else nullcontext():
        yield
    if asking is None:
        commit(partial(ledger.write, work.paid))
        budget.settle(work)
