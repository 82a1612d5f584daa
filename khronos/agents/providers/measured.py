"""One call of a model, counted whatever becomes of it."""

import time

from django.conf import settings

from khronos.agents.providers import provider
from khronos.agents.providers.base import Completion, Prompt
from khronos.agents.providers.errors import Empty
from khronos.exceptions import Failure, Throttled, Transient, Unauthorized
from khronos.observability import metrics
from khronos.usage.prices import cost

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
        count_tokens(name, completion)
        return completion
    except Failure as error:
        status = STATUSES.get(type(error), "refused")
        raise
    finally:
        count(name, status, time.perf_counter() - began)


def count(name: str, status: str, seconds: float) -> None:
    metrics.API_CALLS.labels(provider=name, status=status).inc()
    metrics.AI_LATENCY.labels(provider=name).observe(seconds)
    if name == "anthropic":
        metrics.ANTHROPIC_CALLS.labels(model=model_of(name), status=status).inc()
        metrics.ANTHROPIC_SECONDS.labels(model=model_of(name)).observe(seconds)


def count_tokens(name: str, completion: Completion) -> None:
    model = model_of(name)
    if price := cost(completion.model, completion.input_tokens, completion.output_tokens):
        metrics.COST.labels(model=model).inc(float(price))
    if name == "anthropic":
        metrics.ANTHROPIC_TOKENS.labels(model=model, type="input").inc(completion.input_tokens)
        metrics.ANTHROPIC_TOKENS.labels(model=model, type="output").inc(completion.output_tokens)


def model_of(name: str) -> str:
    """As we asked for it: what the other side calls itself may be anything."""
    model: str = getattr(settings, f"{name.upper()}_MODEL", name)
    return model
