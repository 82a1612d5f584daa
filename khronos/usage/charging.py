"""Who pays for a call of a model: the turn, or the summary, that its thread works on. See docs/costs.md.

with charged_to(turn):      # every call within is the turn's
    replies = …             # `note` is told of each call that was paid
    store(turn, replies)    # and `ledger.write(turn.paid)` is part of the answer's transaction
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.utils import timezone

from khronos.models import Summary, Turn, Usage
from khronos.usage.prices import Tokens, micros, price_of

FREE = "offline"  # its calls are nobody's expense


type Paying = Turn | Summary


@dataclass(frozen=True, slots=True)
class Payer:
    work: Paying
    kind: Usage.Kind


_payer: ContextVar[Payer | None] = ContextVar("payer", default=None)


@contextmanager
def charged_to(work: Paying, kind: Usage.Kind = Usage.Kind.ANSWER) -> Iterator[None]:
    token = _payer.set(Payer(work, kind))
    try:
        yield
    finally:
        _payer.reset(token)


def payer() -> Paying | None:
    found = _payer.get()
    return found.work if found else None


def who_asks() -> str:
    """The agent's slug; empty where nobody is charged."""
    work = payer()
    return work.conversation.agent.slug if work else ""


def note(provider: str, model: str, tokens: Tokens, status: str) -> None:
    """It is written with whatever ends this try of the turn, in one transaction."""
    write_down(provider, model, tokens, status, micros(model, tokens), price_of(model) is not None)


def note_sound(provider: str, model: str, cost: int, *, is_priced: bool) -> None:
    """As `note`, of what is paid by the minute: it has no tokens."""
    write_down(provider, model, Tokens(), "ok", cost, is_priced)


def write_down(provider: str, model: str, tokens: Tokens, status: str, cost: int, is_priced: bool) -> None:
    found = _payer.get()
    if found is None or provider == FREE:
        return
    work = found.work
    row = Usage(
        tenant_id=work.conversation.tenant_id,
        conversation_id=work.conversation_id,
        turn_id=work.pk if isinstance(work, Turn) else None,
        fence=work.fence,
        round=len(work.paid),
        agent=work.conversation.agent.slug,
        provider=provider,
        model=model[:100],
        kind=found.kind,
        status=status,
        input_tokens=tokens.into,
        output_tokens=tokens.out,
        cached_read_tokens=tokens.cached_read,
        cached_write_tokens=tokens.cached_write,
        micros=cost,
        is_priced=is_priced,
        at=timezone.now(),
    )
    work.paid = (*work.paid, row)
