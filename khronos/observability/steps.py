"""Steps on the way of a message. What is bound around a line is in that line (docs/logs.md).

    with step("turn.taken", after="message.dispatched", trace_id=turn.trace_id, turn=turn.pk) as this:
        ...
        this.add(state="answered")

A step writes one line at its end, and is a span where tracing is on. Its span id is derived from trace id and
name: so the next step, in whatever process, knows its parent by name, and nobody has to carry it there.
"""

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar, Token
from dataclasses import dataclass
from hashlib import blake2b
from types import TracebackType
from typing import Any, Self

log = logging.getLogger("khronos.steps")

type Facts = dict[str, Any]

IDS = ("trace_id", "correlation_id", "span_id", "user_id")

_bound: ContextVar[Facts] = ContextVar("bound")


@dataclass(slots=True)
class Span:
    """A step that is over, for whoever draws traces."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    ended_ns: int  # of the wall clock
    facts: Facts  # with duration_ms, and error where it failed


@dataclass(slots=True)
class Switch:
    lines: bool = True  # OBSERVABILITY
    export: Callable[[Span], None] | None = None  # set where tracing is on


switch = Switch()


def here() -> Facts:
    """What is bound to the lines of this moment. To be read only."""
    return _bound.get({})


class bound:
    """`with bound(trace_id=…):` these facts are in every line within."""

    __slots__ = ("_facts", "_token")
    _token: Token[Facts]

    def __init__(self, **facts: Any) -> None:
        self._facts = facts

    def __enter__(self) -> None:
        self._token = _bound.set({**here(), **self._facts})

    def __exit__(self, *_: object) -> None:
        _bound.reset(self._token)


class step:
    """`after`: the step before, of the same trace; else it is the one around. `which`: one of several."""

    __slots__ = ("_began", "_facts", "_name", "_parent", "_token", "error")
    _token: Token[Facts]

    def __init__(self, name: str, *, after: str = "", which: object = "", **facts: Any) -> None:
        outer = here()
        self._name = name
        self._facts = {**outer, **facts}
        self.error = ""
        trace_id: str = self._facts.get("trace_id", "")
        self._parent = span_of(trace_id, after) if after else outer.get("span_id", "")
        self._facts["span_id"] = span_of(trace_id, name, which)

    def add(self, **facts: Any) -> None:
        """What is known only now."""
        self._facts.update(facts)

    def __enter__(self) -> Self:
        self._token = _bound.set(self._facts)
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        duration_ms = round((time.perf_counter() - self._began) * 1000, 2)
        if kind is not None:
            self.error = f"{kind.__name__}: {error}"[:300]
        tell(self._name, self._facts, duration_ms, self._parent, self.error)
        _bound.reset(self._token)


def happened(
    name: str, *, after: str = "", which: object = "", duration_ms: float = 0.0, **facts: Any
) -> None:
    """A step that is over already, such as one of a batch."""
    outer = here()
    facts = {**outer, **facts}
    trace_id: str = facts.get("trace_id", "")
    facts["span_id"] = span_of(trace_id, name, which)
    token = _bound.set(facts)
    try:
        tell(name, facts, duration_ms, span_of(trace_id, after) if after else outer.get("span_id", ""), "")
    finally:
        _bound.reset(token)


def tell(name: str, facts: Facts, duration_ms: float, parent_id: str, error: str) -> None:
    facts["duration_ms"] = duration_ms
    if error:
        facts["error"] = error
    if switch.lines:
        log.info(name)
    if switch.export is not None:
        switch.export(
            Span(name, facts.get("trace_id", ""), facts["span_id"], parent_id, time.time_ns(), facts)
        )


def span_of(trace_id: str, name: str, which: object = "") -> str:
    return blake2b(f"{trace_id}/{name}/{which}".encode(), digest_size=8).hexdigest()
