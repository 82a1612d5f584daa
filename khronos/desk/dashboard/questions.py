"""Questions that are asked beside one another, against a clock, once for all who want to know.

Each has a thread of its own. One that hangs keeps that thread and holds up nobody: its last good answer
stays, with its age, and is marked as old.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import close_old_connections, connection

from khronos.resilience.deadlines import within

DEADLINE_S = 0.7  # the whole page answers within a second
FRESH_S = 1.0  # many viewers share one answer for so long
SHARE = 0.05  # of a core, at most, for a question that is dear: it is asked less often
REST_MOST_S = 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    ok: bool  # just now
    data: Any = None  # of the last good answer
    age_s: float | None = None  # of `data`; None: there was none yet
    took_ms: float = 0.0
    error: str = ""


class Question:
    def __init__(self, ask: Callable[[], Any], fresh_s: float = FRESH_S) -> None:
        self.ask, self.fresh_s = ask, fresh_s
        self.wanted, self.answered = threading.Event(), threading.Event()
        self.answered.set()
        self.thread: threading.Thread | None = None
        self.data: Any = None
        self.good_at = self.due_at = 0.0  # monotonic
        self.took_s = 0.0
        self.error = "not asked yet"

    def put(self) -> None:
        if not self.answered.is_set() or time.monotonic() < self.due_at:
            return
        if self.thread is None:
            self.thread = threading.Thread(target=self._serve, daemon=True)
            self.thread.start()
        self.answered.clear()
        self.wanted.set()

    def wait(self, until: float) -> Answer:
        answered = self.answered.wait(max(0.0, until - time.monotonic()))
        error = self.error if answered else f"no answer within {DEADLINE_S} s"
        age_s = round(time.monotonic() - self.good_at, 1) if self.good_at else None
        return Answer(not error, self.data, age_s, round(self.took_s * 1000, 1), error)

    def _serve(self) -> None:
        while self.wanted.wait():
            self.wanted.clear()
            began, began_cpu = time.monotonic(), time.thread_time()
            try:
                with within(DEADLINE_S):
                    self.data = self.ask()
                self.good_at, self.error = time.monotonic(), ""
            except Exception as error:
                connection.close()  # a broken one would stay broken: this thread is outside any request
                self.error = f"{type(error).__name__}: {error}"[:200]
            close_old_connections()  # into the pool, until it is asked again
            self.took_s = time.monotonic() - began
            rest_s = min((time.thread_time() - began_cpu) / SHARE, REST_MOST_S)
            self.due_at = time.monotonic() + (FRESH_S if self.error else max(self.fresh_s, rest_s))
            self.answered.set()


class Board:
    """All questions, asked together."""

    def __init__(self, questions: Mapping[str, Question]) -> None:
        self.questions = questions
        self.lock = threading.Lock()
        self.answers: dict[str, Answer] = {}
        self.looked_at = 0.0

    def look(self) -> dict[str, Answer]:
        with self.lock:  # those who come meanwhile get the answer of the first
            if not self.answers or time.monotonic() - self.looked_at >= FRESH_S:
                for question in self.questions.values():
                    question.put()
                until = time.monotonic() + DEADLINE_S
                self.answers = {name: question.wait(until) for name, question in self.questions.items()}
                self.looked_at = time.monotonic()
            return self.answers
