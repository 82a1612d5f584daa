"""Was every accepted message answered, once and in order? Judged by the ledger and by what people see."""

import json
import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

from bench.simulator.telegram.chat import Message
from bench.simulator.telegram.ledger import Update

MARKER = re.compile(r"\[[A-Za-z]*c\d+-m\d+\]")
SHOWN_PROBLEMS = 10


@dataclass(slots=True)
class Verdict:
    """Lists name the markers. Seconds run from the first 2xx to the moment the answer was on the screen."""

    sent: int = 0
    accepted: int = 0
    answered: int = 0
    undelivered: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    misdirected: list[str] = field(default_factory=list)
    repeated_notices: int = 0
    deliveries: int = 0
    longest_wait: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Nothing lost, repeated, out of order, or shown in a chat where it was not asked."""
        return not (self.lost or self.repeated or self.out_of_order or self.misdirected)

    def percentile(self, percent: float) -> float:
        """The latency that this share of answers stays within."""
        if not self.latencies:
            return 0.0
        rank = math.ceil(len(self.latencies) * percent / 100)
        return sorted(self.latencies)[max(0, rank - 1)]

    def summary(self) -> dict[str, float | int | bool]:
        return {
            "good": self.good,
            "sent": self.sent,
            "accepted": self.accepted,
            "answered": self.answered,
            "undelivered": len(self.undelivered),
            "lost": len(self.lost),
            "repeated": len(self.repeated),
            "out_of_order": len(self.out_of_order),
            "misdirected": len(self.misdirected),
            "repeated_notices": self.repeated_notices,
            "deliveries": self.deliveries,
            "p50_s": round(self.percentile(50), 3),
            "p95_s": round(self.percentile(95), 3),
            "p99_s": round(self.percentile(99), 3),
            "longest_wait_s": round(self.longest_wait, 3),
        }

    def table(self) -> str:
        """For a person to read."""
        rows = self.summary()
        width = max(len(name) for name in rows)
        lines = [f"{name.replace('_', ' '):<{width}}  {value:>10}" for name, value in rows.items()]
        for name in ("lost", "repeated", "out_of_order", "misdirected", "undelivered"):
            markers: list[str] = getattr(self, name)
            if markers:
                more = " …" if len(markers) > SHOWN_PROBLEMS else ""
                lines.append(f"{name.replace('_', ' ')}: {' '.join(markers[:SHOWN_PROBLEMS])}{more}")
        return "\n".join(lines)

    def as_json(self) -> str:
        return json.dumps(asdict(self) | self.summary())


@dataclass(frozen=True, slots=True)
class Question:
    """A marker, and when it was asked and accepted."""

    marker: str
    accepted_at: float | None


def judge(updates: Iterable[Update], screens: dict[tuple[str, int], Sequence[Message]]) -> Verdict:
    """`screens` are the visible messages by bot and chat. Messages without a marker do not count."""
    verdict = Verdict()
    asked: dict[tuple[str, int], dict[str, Question]] = defaultdict(dict)
    for update in updates:
        verdict.deliveries += len(update.attempts)
        for marker in MARKER.findall(update.text):
            _ask(asked[update.token, update.chat_id], marker, update)
    for key in dict.fromkeys([*asked, *screens]):
        answers = [message for message in screens.get(key, ()) if message.from_bot]
        _judge_chat(verdict, list(asked[key].values()), answers)
    return verdict


def _ask(questions: dict[str, Question], marker: str, update: Update) -> None:
    """The first update with a marker counts; a later one is the same question, edited."""
    if marker not in questions:
        questions[marker] = Question(marker, update.accepted_at)


def _judge_chat(verdict: Verdict, questions: list[Question], answers: list[Message]) -> None:
    shown: dict[str, list[Message]] = defaultdict(list)
    for message in answers:
        for marker in dict.fromkeys(MARKER.findall(message.text)):
            shown[marker].append(message)
    now = time.time()
    for question in questions:
        _judge_question(verdict, question, shown.get(question.marker, []), now)
    asked = [question.marker for question in questions]
    verdict.misdirected += [marker for marker in shown if marker not in asked]
    verdict.out_of_order += _late(asked, list(shown))
    texts = Counter(message.text for message in answers if not MARKER.search(message.text))
    verdict.repeated_notices += sum(count - 1 for count in texts.values())


def _judge_question(verdict: Verdict, question: Question, answers: list[Message], now: float) -> None:
    verdict.sent += 1
    if len(answers) > 1:
        verdict.repeated.append(question.marker)
    if question.accepted_at is None:
        verdict.undelivered.append(question.marker)
        return
    verdict.accepted += 1
    if not answers:
        verdict.lost.append(question.marker)
        verdict.longest_wait = max(verdict.longest_wait, now - question.accepted_at)
        return
    verdict.answered += 1
    shown_at = answers[0].shown_since(question.marker) or now
    wait = max(0.0, shown_at - question.accepted_at)
    verdict.latencies.append(wait)
    verdict.longest_wait = max(verdict.longest_wait, wait)


def _late(asked: list[str], shown: list[str]) -> list[str]:
    """Markers shown after one that was asked later."""
    place = {marker: number for number, marker in enumerate(asked)}
    late, furthest = [], -1
    for marker in shown:
        if marker not in place:
            continue
        if place[marker] < furthest:
            late.append(marker)
        furthest = max(furthest, place[marker])
    return late
