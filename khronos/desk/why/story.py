"""What is told of a message: its steps, and a verdict in words. Plain data."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

type Outcome = Literal["answered", "needless", "waiting", "never"]

TONES: dict[str, str] = {"answered": "success", "needless": "", "waiting": "warning", "never": "danger"}


def clause(reason: str) -> str:
    """A reason as a part of a sentence of ours."""
    return reason.rstrip(". ") or "–"


@dataclass(frozen=True, slots=True)
class Step:
    """It was over at `until`, and took so long."""

    until: datetime
    kind: str  # for programs: it stays the same in every language
    text: str
    took_s: float = 0.0
    tone: str = ""
    row: tuple[str, int] | None = None  # noun and number

    @property
    def at(self) -> datetime:
        return self.until - timedelta(seconds=self.took_s)


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    reason: str  # for programs
    text: str
    also: Sequence[str] = ()  # sentences that somebody may want to know beside it

    @property
    def tone(self) -> str:
        return TONES[self.outcome]


@dataclass(frozen=True, slots=True)
class Offer:
    """A repair of the admin that fits a row now."""

    noun: str
    pk: int
    action: str


@dataclass(frozen=True, slots=True)
class Story:
    trace_id: str
    correlation_id: str | None  # where it is another
    began: datetime
    now: datetime
    steps: Sequence[Step]
    verdict: Verdict
    said: str = ""  # by the contact; for people, not for programs, whose output is kept
    rows: dict[str, Any] = field(default_factory=dict)  # numbers of the rows it is made of
    offers: Sequence[Offer] = ()

    @property
    def span_s(self) -> float:
        ends = [(step.until - self.began).total_seconds() for step in self.steps]
        return max(ends, default=0.0)

    def after_s(self, step: Step) -> float:
        return max((step.at - self.began).total_seconds(), 0.0)

    def bar(self, step: Step) -> tuple[float, float]:
        """Where its time begins and how long it is, as parts of the whole."""
        whole = self.span_s or 1.0
        begins = self.after_s(step) / whole
        return begins, min(step.took_s / whole, 1 - begins)

    def as_json(self) -> dict[str, Any]:
        return {
            "trace_id": self.trace_id,
            "correlation_id": self.correlation_id or self.trace_id,
            "began": self.began.isoformat(),
            "rows": self.rows,
            "verdict": {
                "outcome": self.verdict.outcome,
                "reason": self.verdict.reason,
                "text": self.verdict.text,
                "also": list(self.verdict.also),
            },
            "steps": [self.step_as_json(step) for step in self.steps],
        }

    def step_as_json(self, step: Step) -> dict[str, Any]:
        told = {
            "at": step.at.isoformat(),
            "after_s": round(self.after_s(step), 3),
            "took_s": round(step.took_s, 3),
            "step": step.kind,
            "text": step.text,
        }
        return told | ({"row": ":".join(map(str, step.row))} if step.row else {})
