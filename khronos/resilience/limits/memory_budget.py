"""A budget of the twin in memory: what lua/budget.lua and the small scripts do. Times are microseconds."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from khronos.resilience.limits.policy import GRACE_MS, MICRO, Count, Usage

GRACE = GRACE_MS * 1000


@dataclass
class Budget:
    kind: str = ""
    policy_limit: int | None = None
    period: int = 0  # or the lease of a seat
    paused: int = 0
    learned: tuple[int, int] | None = None  # a limit, and until when
    refused: int = 0
    hold: int | None = None  # for how long a seat is held, on average
    used: list[int] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    line: dict[str, int] = field(default_factory=dict)

    def describe(self, kind: str, limit: int, period: int) -> None:
        self.kind, self.policy_limit, self.period = kind, limit, period

    def limit(self, now: int) -> int:
        if self.learned and self.learned[1] > now and self.kind != "spacing":
            return self.learned[0]
        return self.policy_limit or 0

    def free_after(self, others: int, now: int) -> int:
        limit = self.limit(now)
        rounds, rest = divmod(others, limit)
        free = max(now, self.paused) + rounds * self.period
        if len(self.used) >= limit - rest:
            free = max(free, min(self.used[rest - limit], now) + (rounds + 1) * self.period)
        return free

    def next_place(self, now: int, *, in_order: bool) -> int:
        waiting, limit = len(self.places), self.limit(now)
        free = self.free_after(waiting, now)
        given = sorted(self.places.values())
        if waiting >= limit:
            free = max(free, given[-limit] + self.period)
        return max(free, given[-1]) if in_order and given else free

    def rank(self, token: str) -> int:
        return sorted((at, one.encode()) for one, at in self.places.items()).index(
            (self.places[token], token.encode())
        )

    def use(self, now: int) -> None:
        self.used = [*self.used, now][-self.limit(now) :]

    def forget_lost(self, now: int) -> None:
        self.places = {token: at for token, at in self.places.items() if at >= now - GRACE}

    def pause(self, until: int, now: int) -> None:
        if until <= self.paused:
            return
        self.paused = until
        self.forget_lost(now)
        shift = max(0, until - min(self.places.values(), default=until))
        self.places = {token: at + shift for token, at in self.places.items()}

    def end_leases(self, now: int) -> None:
        self.held = {token: ends for token, ends in self.held.items() if ends > now}

    def call_next(self, now: int) -> list[str]:
        if self.paused > now:
            return []
        free = max(0, self.limit(now) - len(self.held))
        called = sorted(self.line, key=lambda token: self.line[token])[:free]
        for token in called:
            del self.line[token]
            self.held[token] = now + GRACE
        return called

    def vacate(self, token: str, hold: int, now: int) -> Iterator[str]:
        if self.held.pop(token, None) is not None:
            mean = hold if self.hold is None else self.hold
            self.hold = mean + (hold - mean) // 5
            self.end_leases(now)
            yield from self.call_next(now)

    def hit(self, now: int) -> Count:
        free = self.free_after(0, now)
        if free <= now:
            self.use(now)
            return Count(True, self._used_in_period(now))
        self.refused += 1
        return Count(False, self._used_in_period(now), (free - now) / MICRO)

    def usage(self, name: str, now: int) -> Usage:
        return Usage(
            name,
            used=self._used_in_period(now) + sum(ends > now for ends in self.held.values()),
            limit=self.policy_limit,
            learned=self.learned[0] if self.learned and self.learned[1] > now else None,
            waiting=sum(at >= now - GRACE for at in self.places.values()) + len(self.line),
            paused_s=max(0, self.paused - now) / MICRO,
            refused=self.refused,
        )

    def _used_in_period(self, now: int) -> int:
        return sum(at > now - self.period for at in self.used)
