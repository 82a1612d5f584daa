"""Breakers of one process, with the clock given: the twin of what Valkey does in `redis_store.py`."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from khronos.resilience.breakers.policy import BUCKETS, BreakerPolicy, State
from khronos.resilience.breakers.store import Answer, Batch, Outcome


@dataclass
class Record:
    policy: BreakerPolicy
    now: int = 0
    state: State = State.CLOSED
    era: int = 0
    openings: int = 0
    opened_at: int = 0
    probe_at: int = 0
    lease_end: int = 0
    token: str = ""
    buckets: dict[int, list[int]] = field(default_factory=dict)  # number of the bucket: successes, failures

    @property
    def this_bucket(self) -> int:
        return self.now // self.policy.bucket_ms

    @property
    def is_probing(self) -> bool:
        return self.state is State.HALF_OPEN and self.token != "" and self.now < self.lease_end

    def count(self, bucket: int, successes: int, failures: int) -> None:
        counts = self.buckets.setdefault(bucket, [0, 0])
        counts[0] += successes
        counts[1] += failures

    def window(self) -> tuple[int, int]:
        oldest = self.this_bucket - BUCKETS + 1
        self.buckets = {number: counts for number, counts in self.buckets.items() if number >= oldest}
        failures = sum(failed for _ok, failed in self.buckets.values())
        return failures + sum(ok for ok, _failed in self.buckets.values()), failures

    def become(self, state: State) -> None:
        self.state, self.token, self.lease_end = state, "", 0
        self.era += 1

    def open(self, rest_ms: int) -> None:
        self.openings += self.state is not State.OPEN
        self.opened_at, self.probe_at = self.now, self.now + rest_ms
        self.become(State.OPEN)

    def close(self) -> None:
        self.buckets = {}
        self.become(State.CLOSED)

    def admit(self, token: str) -> bool:
        if self.state is State.OPEN and self.now >= self.probe_at:
            self.become(State.HALF_OPEN)
        if self.state is State.HALF_OPEN and not self.is_probing:
            self.token, self.lease_end = token, self.now + self.policy.lease_ms
        return self.state is State.CLOSED or self.token == token

    def settle(self, outcome: Outcome) -> None:
        if outcome is Outcome.SUCCESS:
            self.close()
        elif outcome is Outcome.FAILURE:
            self.count(self.this_bucket, 0, 1)
            self.open(self.policy.rest_ms)
        else:
            self.token = ""

    def answer(self, before: State, is_admitted: bool) -> Answer:
        shown, wait_ms = self.state, 0
        if self.state is before is State.OPEN and self.now >= self.probe_at:
            before = shown = State.HALF_OPEN  # to whoever asks next
        elif self.state is State.OPEN:
            wait_ms = self.probe_at - self.now
        elif self.is_probing:
            wait_ms = self.lease_end - self.now
        calls, failures = self.window()
        return Answer(
            before,
            shown,
            self.era,
            calls,
            failures,
            self.openings,
            self.opened_at,
            wait_ms,
            self.is_probing,
            is_admitted,
        )


class MemoryStore:
    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._records: dict[str, Record] = {}

    def _record(self, policy: BreakerPolicy) -> Record:
        record = self._records.setdefault(policy.name, Record(policy))
        record.policy, record.now = policy, int(self._clock() * 1000)
        return record

    def report(self, policy: BreakerPolicy, batch: Batch, token: str = "") -> Answer:
        with self._lock:
            record = self._record(policy)
            before = record.state
            if before is State.CLOSED and batch.era == record.era and batch.successes + batch.failures:
                then = (record.now - batch.successes_age_ms) // policy.bucket_ms
                record.count(then, batch.successes, 0)
                record.count(record.this_bucket, 0, batch.failures)
                if batch.failures and policy.opens(*record.window()):
                    record.open(policy.rest_ms)
            is_admitted = record.admit(token) if token else record.state is State.CLOSED
            return record.answer(before, is_admitted)

    def settle(self, policy: BreakerPolicy, token: str, outcome: Outcome) -> Answer:
        with self._lock:
            record = self._record(policy)
            before = record.state
            if before is State.HALF_OPEN and record.token == token:
                record.settle(outcome)
            return record.answer(before, is_admitted=record.state is State.CLOSED)

    def order(self, policy: BreakerPolicy, state: State, rest_ms: int) -> Answer:
        with self._lock:
            record = self._record(policy)
            before = record.state
            if state is State.OPEN:
                record.open(rest_ms)
            else:
                record.close()
            return record.answer(before, is_admitted=record.state is State.CLOSED)

    def look(self, policy: BreakerPolicy) -> Answer:
        with self._lock:
            record = self._record(policy)
            return record.answer(record.state, is_admitted=record.state is State.CLOSED)
