"""Steps on the way of a message. What is bound around a line is in that line (docs/logs.md).

    with step("model.asked", provider=name) as this:
        ...
        this.add(model=…)

A step writes one line at its end, and is a span where tracing is on. The span id of a named step is derived
from trace and name: so the next one, in whatever process, knows its parent, and nobody has to carry it there.
"""

import atexit
import contextlib
import logging
import random
import re
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar, Token
from dataclasses import dataclass
from hashlib import blake2b
from types import TracebackType
from typing import Any, Self, TypedDict

from khronos.observability.clerk import Clerk

LOGGER = "khronos.steps"
log = logging.getLogger(LOGGER)

type Facts = dict[str, Any]

MARK = "khronos_facts"
ERROR_MAX = 300  # characters
IDS = ("trace_id", "correlation_id", "span_id", "user_id")

HEX = re.compile(r"[0-9a-f]{32}")


class Ids(TypedDict):
    """By which the sender of a message follows it."""

    trace_id: str
    correlation_id: str | None  # None: as the trace


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
        self._facts = {**here(), **self._facts}
        self._token = _bound.set(self._facts)

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        mark(error, self._facts)
        _bound.reset(self._token)


class step:
    """`after`: the step before, of the same trace; else it is the one around.

    One that others name has an id that follows from trace and name: it is `named`. The rest may come often.
    """

    __slots__ = ("_began", "_facts", "_name", "_parent", "_token")
    _token: Token[Facts]

    def __init__(self, name: str, *, after: str = "", named: bool = False, **facts: Any) -> None:
        outer = here()
        self._name = name
        self._facts = {**outer, **facts}
        trace_id: str = self._facts.get("trace_id", "")
        self._parent = span_of(trace_id, after) if after else outer.get("span_id", "")
        self._facts["span_id"] = span_of(trace_id, name) if named else new_span()

    def add(self, **facts: Any) -> None:
        """What is known only now."""
        self._facts.update(facts)

    def __enter__(self) -> Self:
        self._token = _bound.set(self._facts)
        self._began = time.perf_counter()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> None:
        self._facts["duration_ms"] = since_ms(self._began)
        if error is not None:
            self._facts["error"] = f"{type(error).__name__}: {error}"[:ERROR_MAX]
            mark(error, self._facts)
        tell(self._name, self._facts, self._parent)
        _bound.reset(self._token)


def note(**facts: Any) -> None:
    """For the line of the step around; nothing where there is none."""
    here().update(facts)


def happened(name: str, *, after: str = "", duration_ms: float = 0.0, **facts: Any) -> None:
    """A step that is over already and stands for itself, such as one of a batch."""
    trace_id: str = facts.get("trace_id", "")
    facts |= {"span_id": span_of(trace_id, name), "duration_ms": duration_ms}
    tell(name, facts, span_of(trace_id, after) if after else "")


def tell(name: str, facts: Facts, parent_id: str) -> None:
    if switch.lines and log.isEnabledFor(logging.INFO):
        clerk.later((name, facts, time.time()))
    if switch.export is None:
        return
    span = Span(name, facts.get("trace_id", ""), facts["span_id"], parent_id, time.time_ns(), facts)
    try:
        switch.export(span)
    except Exception:
        log.warning("a span is lost", exc_info=True)  # the message goes on


def write(told: Sequence[tuple[str, Facts, float]]) -> None:
    for name, facts, at in told:
        record = log.makeRecord(LOGGER, logging.INFO, "", 0, name, (), None)
        record.created = at
        token = _bound.set(facts)
        try:
            log.handle(record)
        finally:
            _bound.reset(token)
    for handler in logging.getLogger().handlers:
        handler.flush()


clerk = Clerk(write)


def flush() -> None:
    """Steps whose lines are not written yet; the caller's way, where he cannot wait for the clerk."""
    clerk.now()


atexit.register(flush)


def mark(error: BaseException | None, facts: Facts) -> None:
    """Whoever logs it further out shall know of what it was."""
    if error is not None and not hasattr(error, MARK):
        with contextlib.suppress(AttributeError):  # some errors can hold nothing
            setattr(error, MARK, {name: facts[name] for name in IDS if name in facts})


def span_of(trace_id: str, name: str) -> str:
    return blake2b(f"{trace_id}/{name}".encode(), digest_size=8).hexdigest()


def trace_number(trace_id: str) -> str:
    """As tracing wants it: ours as it is, a hash of what somebody else has chosen."""
    if HEX.fullmatch(trace_id) and trace_id.strip("0"):
        return trace_id
    return blake2b(trace_id.encode(), digest_size=16).hexdigest()


def new_span() -> str:
    return f"{random.getrandbits(64) or 1:016x}"


def since_ms(began: float) -> float:
    """Of `time.perf_counter()`."""
    return round((time.perf_counter() - began) * 1000, 2)
