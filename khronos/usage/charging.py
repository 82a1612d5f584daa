"""Who pays for a call of a model: the turn, summary or errand that its thread works on. See docs/costs.md.

with charged_to(turn):      # every call within is the turn's
    replies = …             # `note` is told of each call that was paid
    store(turn, replies)    # and `ledger.write(turn.paid)` is part of the answer's transaction
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from khronos.models import Summary, Tenant, Turn, Usage
from khronos.models.agent import ASSISTANT
from khronos.usage.prices import Tokens, micros, price_of

FREE = "offline"  # its calls are nobody's expense


@dataclass(slots=True)
class Errand:
    """What is done for a tenant, and no conversation asked for: a library that is embedded."""

    tenant: Tenant
    name: str
    paid: Sequence[Usage] = ()
    is_written: bool = False


type Paying = Turn | Summary | Errand


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
    return work.conversation.agent.slug if work and not isinstance(work, Errand) else ""


def tenant_of(work: Paying) -> Tenant:
    return work.tenant if isinstance(work, Errand) else work.conversation.channel.tenant


def note(provider: str, model: str, tokens: Tokens, status: str, kind: Usage.Kind | None = None) -> None:
    """It is written with whatever ends this try of the turn, in one transaction."""
    write_down(provider, model, tokens, status, micros(model, tokens), price_of(model) is not None, kind)


def note_sound(provider: str, model: str, cost: int, *, is_priced: bool) -> None:
    """As `note`, of what is paid by the minute: it has no tokens."""
    write_down(provider, model, Tokens(), "ok", cost, is_priced)


def write_down(
    provider: str,
    model: str,
    tokens: Tokens,
    status: str,
    cost: int,
    is_priced: bool,
    kind: Usage.Kind | None = None,
) -> None:
    found = _payer.get()
    if found is None or provider == FREE:
        return
    work = found.work
    row = Usage(
        **whose(work),
        round=len(work.paid),
        provider=provider,
        model=model[:100],
        kind=kind or found.kind,
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


def whose(work: Paying) -> dict[str, Any]:
    if isinstance(work, Errand):
        return {"tenant_id": work.tenant.pk, "agent": ASSISTANT}
    return {
        "tenant_id": work.conversation.tenant_id,
        "conversation_id": work.conversation_id,
        "turn_id": work.pk if isinstance(work, Turn) else None,
        "fence": work.fence,
        "agent": work.conversation.agent.slug,
    }
