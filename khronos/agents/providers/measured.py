"""One call of a model, counted whatever becomes of it."""

import time

from django.conf import settings

from khronos.agents.providers import provider
from khronos.agents.providers.base import Completion, Prompt
from khronos.agents.providers.errors import Empty, Wordless
from khronos.exceptions import Failure, Throttled, Transient, Unauthorized
from khronos.observability import metrics
from khronos.usage.charging import note
from khronos.usage.prices import Tokens, micros

STATUSES: dict[type[Failure], str] = {
    Throttled: "throttled",
    Unauthorized: "unauthorized",
    Empty: "empty",
    Transient: "away",
}


def complete(name: str, prompt: Prompt) -> Completion:
    began, status = time.perf_counter(), "fault"
    try:
        completion = provider(name).complete(prompt)
        status = "ok"
        count_paid(name, completion, status)
        return completion
    except Failure as error:
        status = STATUSES.get(type(error), "refused")
        if isinstance(error, Wordless) and error.answer:
            count_paid(name, error.answer, status)
        raise
    finally:
        count(name, status, time.perf_counter() - began)


def count(name: str, status: str, seconds: float) -> None:
    metrics.API_CALLS.labels(provider=name, status=status).inc()
    metrics.AI_LATENCY.labels(provider=name).observe(seconds)
    if name == "anthropic":
        metrics.ANTHROPIC_CALLS.labels(model=model_of(name), status=status).inc()
        metrics.ANTHROPIC_SECONDS.labels(model=model_of(name)).observe(seconds)


def count_paid(name: str, answer: Completion, status: str) -> None:
    """In the metrics, and to whoever pays for it."""
    model = model_of(name)
    tokens = Tokens(
        answer.input_tokens, answer.output_tokens, answer.cached_read_tokens, answer.cached_write_tokens
    )
    note(name, answer.model, tokens, status)
    if price := micros(answer.model, tokens):
        metrics.COST.labels(model=model).inc(price / 1_000_000)
    if name == "anthropic":
        metrics.ANTHROPIC_TOKENS.labels(model=model, type="input").inc(tokens.into)
        metrics.ANTHROPIC_TOKENS.labels(model=model, type="output").inc(tokens.out)


def model_of(name: str) -> str:
    """As we asked for it: what the other side calls itself may be anything."""
    model: str = getattr(settings, f"{name.upper()}_MODEL", name)
    return model
