"""All that is counted, by name (docs/metrics.md): `metrics.SENT.labels(status="sent").inc()`.

Count after the commit that the number tells of. A label is one of few words, never somebody's id.
What is so right now (queues, ages, breakers) is not counted but asked for: khronos/facts/.
"""

import math
from collections.abc import Sequence
from itertools import product

from django.conf import settings
from prometheus_client import Counter, Gauge, Histogram, values
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.utils import floatToGoString

from khronos.observability.counted import Sheet, values_on

SHEET = Sheet(settings.METRICS_FOLDER)
values.ValueClass = values_on(SHEET, settings.OBSERVABILITY)

CATALOGUE: dict[str, MetricWrapperBase] = {}
BOUNDS: dict[str, tuple[str, ...]] = {}  # of the buckets of each histogram, lowest first

QUICK_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)  # a request, a statement
MODEL_S = (0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30)  # a model's answer; it is given up after 30
LONG_S = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300)  # what a contact waits for


def counter(name: str, help_: str, *labels: str) -> Counter:
    made = CATALOGUE[name] = Counter(name, help_, labels, registry=None)
    return made


def histogram(name: str, help_: str, buckets: Sequence[float], *labels: str) -> Histogram:
    BOUNDS[name] = tuple(floatToGoString(bound) for bound in (*buckets, math.inf))  # type: ignore[no-untyped-call]
    made = CATALOGUE[name] = Histogram(name, help_, labels, registry=None, buckets=buckets)
    return made


def live(name: str, help_: str) -> Gauge:
    """A gauge of each process that lives; the scrape has their sum."""
    made = CATALOGUE[name] = Gauge(name, help_, registry=None, multiprocess_mode="livesum")
    return made


# `khronos_http_requests_total` and `khronos_response_time_seconds` are made from this one at the scrape.
HTTP = histogram(
    "khronos_http_request_duration_seconds",
    "Time to answer an HTTP request.",
    QUICK_S,
    "method",
    "route",
    "status_code",
)

# What comes in
RECEIVED = counter(
    "khronos_telegram_messages_received_total", "Messages of Telegram that were dispatched.", "chat_type"
)
PROCESSED = counter(
    "khronos_messages_processed_total", "Messages of contacts whose turn has ended.", "source", "status"
)
FAILED = counter(
    "khronos_messages_failed_total",
    "Messages given up, in or out: an operator sees them.",
    "source",
    "reason",
)
REDELIVERIES = counter("khronos_redeliveries_total", "Updates that came again and were dropped.")
LEASE_EXPIRIES = counter(
    "khronos_lease_expiries_total", "Work whose holder died or was too slow, taken by another.", "work"
)

# What goes out
SENT = counter("khronos_telegram_messages_sent_total", "Ends of tries to send over Telegram.", "status")
DELIVERIES = counter("khronos_deliveries_total", "Deliveries that have ended, on every channel.", "status")
DOUBTFUL = counter("khronos_doubtful_total", "Deliveries sent once more that may have arrived before.")
GIVEN_UP = counter("khronos_given_up_total", "Work that was given up.", "source")
END_TO_END = histogram(
    "khronos_end_to_end_seconds", "From the contact's message to the answer that was sent.", LONG_S
)

# Models
API_CALLS = counter("khronos_api_calls_total", "Calls of model providers.", "provider", "status")
AI_LATENCY = histogram("khronos_ai_latency_seconds", "Time of a model's answer.", MODEL_S, "provider")
ANTHROPIC_CALLS = counter("khronos_anthropic_api_calls_total", "Calls of Anthropic.", "model", "status")
ANTHROPIC_SECONDS = histogram(
    "khronos_anthropic_api_duration_seconds", "Time of Anthropic's answer.", MODEL_S, "model"
)
ANTHROPIC_TOKENS = counter(
    "khronos_anthropic_tokens_used_total", "Tokens that Anthropic has counted.", "model", "type"
)
COST = counter("khronos_cost_usd_total", "Price of all answers of models, US dollars.", "model", "agent")

TRIAGES = counter(
    "khronos_triage_total", "Conversations that were given to the bot or a queue.", "by", "target"
)

# Tools
TOOL_CALLS = counter("khronos_tool_calls_total", "Calls of tools that have ended.", "tool", "state")
TOOL_SECONDS = histogram("khronos_tool_duration_seconds", "Time of a tool's answer.", MODEL_S, "tool")

# Files
ATTACHMENTS = counter(
    "khronos_attachments_total", "Files of contacts that were fetched, understood, refused.", "kind", "state"
)

# Guards, database, Celery
BREAKER_CHANGES = counter(
    "khronos_circuit_breaker_state_changes_total",
    "How often a breaker came into a state.",
    "breaker",
    "state",
)
CACHE_HITS = counter("khronos_cache_hits_total", "Values that a cache had.", "cache", "layer")
CACHE_MISSES = counter("khronos_cache_misses_total", "Values that had to be computed.", "cache")
QUERIES = histogram("khronos_database_query_duration_seconds", "Time of a statement.", QUICK_S, "operation")
SQLITE = live("khronos_sqlite_connections", "Open connections to the SQLite file.")
TASKS = counter("khronos_celery_tasks_total", "Celery's tasks that have ended.", "task", "state")
TASK_SECONDS = histogram("khronos_celery_task_duration_seconds", "Time of a Celery task.", LONG_S, "task")


def zeros() -> None:
    """What is known to come is there from the beginning: a rate needs a zero before its first one."""
    for status in ("sent", "failed"):
        SENT.labels(status=status)
        DELIVERIES.labels(status=status)
    for source in ("turn", "delivery", "document", "stream", "task"):
        GIVEN_UP.labels(source=source)
    for work in ("turn", "delivery"):
        LEASE_EXPIRIES.labels(work=work)
    for by, target in product(("model", "rules"), ("bot", "queue")):
        TRIAGES.labels(by=by, target=target)
    RECEIVED.labels(chat_type="private")
    for source in ("telegram", "web"):
        for status in ("answered", "silent", "given_up", "to_people"):
            PROCESSED.labels(source=source, status=status)
        for reason in ("unreadable", "our_fault", "given_up"):
            FAILED.labels(source=source, reason=reason)
    breakers = ("anthropic", "openai", "transcriber", "embedder", "telegram", "database")
    for breaker, state in product(breakers, ("closed", "open", "half-open")):
        BREAKER_CHANGES.labels(breaker=breaker, state=state)


zeros()
