"""Steps as OpenTelemetry spans (docs/logs.md). Loaded only where OTEL_* name an endpoint.

A span is made when its step is over, with the ids that the step has: so a trace holds together across
processes, and a worker that dies leaves whole spans only.
"""

import logging
import os
import threading
from collections.abc import Callable
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from khronos.observability import steps
from khronos.observability.secrecy import scrub
from khronos.observability.steps import Span, span_of, trace_number

KINDS = {
    "message.received": SpanKind.SERVER,
    "message.dispatched": SpanKind.CONSUMER,
    "turn.taken": SpanKind.CONSUMER,
    "model.asked": SpanKind.CLIENT,
    "delivery.sent": SpanKind.CLIENT,
}
LEFT_OUT = {"trace_id", "span_id", "duration_ms", "error", "also", "also_correlated"}


class Ids(threading.local, IdGenerator):
    """Hands out the ids that the step at hand has already."""

    trace_id = span_id = 1

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


class Exporter:
    def __init__(self, provider: TracerProvider, ids: Ids, version: str) -> None:
        self.provider, self.ids = provider, ids
        self.tracer = provider.get_tracer("khronos", version)

    def export(self, span: Span) -> None:
        if not span.trace_id:
            return
        self.ids.trace_id = int(trace_number(span.trace_id), 16)
        self.ids.span_id = int(span.span_id, 16)
        took_ns = int(span.facts["duration_ms"] * 1e6)
        made = self.tracer.start_span(
            span.name,
            self.context(span),
            KINDS.get(span.name, SpanKind.INTERNAL),
            attributes_of(span.facts),
            [
                Link(self.place(trace, span_of(trace, "message.dispatched")))
                for trace in span.facts.get("also", ())
            ],
            span.ended_ns - took_ns,
        )
        if error := span.facts.get("error"):
            made.set_status(Status(StatusCode.ERROR, scrub(error)))
        made.end(span.ended_ns)

    def context(self, span: Span) -> Context:
        if not span.parent_id:
            return Context()
        return set_span_in_context(NonRecordingSpan(self.place(span.trace_id, span.parent_id)), Context())

    def place(self, trace_id: str, span_id: str) -> SpanContext:
        """Whether a trace is sampled follows from its number: all its processes come to the same."""
        number = int(trace_number(trace_id), 16)
        decision: Any = self.provider.sampler.should_sample(Context(), number, "").decision
        flags = TraceFlags(TraceFlags.SAMPLED if decision.is_sampled() else TraceFlags.DEFAULT)
        return SpanContext(number, int(span_id, 16), is_remote=True, trace_flags=flags)


def start(service: str, environment: str, version: str) -> Callable[[], object]:
    """The queue is bounded. It is full only while the collector is away: then spans are dropped."""
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it would tell of every try
    named = {
        "service.namespace": "khronos",
        "service.version": version,
        "deployment.environment.name": environment,
    }
    if "OTEL_SERVICE_NAME" not in os.environ:
        named["service.name"] = service
    ids = Ids()
    provider = TracerProvider(resource=Resource.create(named), id_generator=ids, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    steps.switch.export = Exporter(provider, ids, version).export
    return provider.force_flush


def attributes_of(facts: steps.Facts) -> dict[str, Any]:
    told = {name: value for name, value in facts.items() if name not in LEFT_OUT and value is not None}
    return {
        f"khronos.{name}": value if type(value) in (int, float, bool) else scrub(str(value))
        for name, value in told.items()
    }
