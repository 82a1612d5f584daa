"""One call of a model, counted whatever becomes of it."""

import time

from khronos.agents.providers import model_of, provider
from khronos.agents.providers.base import Completion, Prompt
from khronos.agents.providers.errors import Empty, Wordless
from khronos.exceptions import Failure, Refused, Throttled, Transient, Unauthorized
from khronos.observability import metrics
from khronos.usage.charging import note, who_asks
from khronos.usage.prices import Tokens, micros

STATUSES: dict[type[Failure], str] = {
    Throttled: "throttled",
    Refused: "hasty",
    Unauthorized: "unauthorized",
    Empty: "empty",
    Transient: "away",
}


def complete(name: str, prompt: Prompt) -> Completion:
    began, status, model = time.perf_counter(), "fault", model_of(name, prompt.models)
    try:
        completion = provider(name).complete(prompt)
        status = "ok"
        count_paid(name, model, completion, status)
        return completion
    except Failure as error:
        status = STATUSES.get(type(error), "refused")
        if isinstance(error, Wordless) and error.answer:
            count_paid(name, model, error.answer, status)
        raise
    finally:
        count(name, model, status, time.perf_counter() - began)


def count(name: str, model: str, status: str, seconds: float) -> None:
    metrics.API_CALLS.labels(provider=name, status=status).inc()
    metrics.AI_LATENCY.labels(provider=name).observe(seconds)
    if name == "anthropic":
        metrics.ANTHROPIC_CALLS.labels(model=model, status=status).inc()
        metrics.ANTHROPIC_SECONDS.labels(model=model).observe(seconds)


def count_paid(name: str, model: str, answer: Completion, status: str) -> None:
    """In the metrics, and to whoever pays for it."""
    tokens = Tokens(
        answer.input_tokens, answer.output_tokens, answer.cached_read_tokens, answer.cached_write_tokens
    )
    note(name, answer.model, tokens, status)
    if price := micros(answer.model, tokens):
        metrics.COST.labels(model=model, agent=who_asks()).inc(price / 1_000_000)
    if name == "anthropic":
        metrics.ANTHROPIC_TOKENS.labels(model=model, type="input").inc(tokens.into)
        metrics.ANTHROPIC_TOKENS.labels(model=model, type="output").inc(tokens.out)
