"""One question to the twin in memory: what lua/ask.lua does. Times are microseconds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from khronos.resilience.limits.memory_budget import GRACE, Budget
from khronos.resilience.limits.policy import MICRO, Claim, Verdict

LEAST_WAIT, UNKNOWN_HOLD = MICRO // 10, MICRO


@dataclass
class Asking:
    token: str
    claims: Sequence[Claim]
    budgets: Mapping[str, Budget]
    now: int
    wake: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.seats = next((claim for claim in self.claims if self._of(claim).kind == "seats"), None)
        windows = [claim for claim in self.claims if claim is not self.seats]
        self.own = [claim for claim in windows if not claim.shared]
        self.shared = [claim for claim in windows if claim.shared]
        for claim in windows:
            self._of(claim).forget_lost(self.now)

    def verdict(self) -> Verdict:
        place = self._place()
        if place is None:
            self._leave_places()
        own_free = self._free_now if place is not None else self._next_place
        free, by = self._latest(self.own, own_free)
        if by:
            return self._refuse(max(free, place or 0), by)
        refusal = self._seek_seat(self.seats) if self.seats else None
        if refusal is None:
            refusal = self._wait_in_place(place) if place is not None else self._reserve_place()
        return refusal or self._take()

    def _of(self, claim: Claim) -> Budget:
        return self.budgets[claim.name]

    def _place(self) -> int | None:
        places = [self._of(claim).places.get(self.token) for claim in self.shared]
        found = [place for place in places if place is not None]
        return max(found) if found and len(found) == len(places) else None

    def _leave_places(self) -> None:
        for claim in (*self.own, *self.shared):
            self._of(claim).places.pop(self.token, None)

    def _put(self, place: int) -> None:
        for claim in (*self.own, *self.shared):
            self._of(claim).places[self.token] = place
        if self.seats:
            self._of(self.seats).held[self.token] = place + GRACE

    def _free_now(self, claim: Claim) -> int:
        return self._of(claim).free_after(0, self.now)

    def _free_in_turn(self, claim: Claim) -> int:
        budget = self._of(claim)
        return budget.free_after(budget.rank(self.token), self.now)

    def _next_place(self, claim: Claim) -> int:
        return self._of(claim).next_place(self.now, in_order=claim.shared)

    def _latest(self, claims: Sequence[Claim], free_of: Callable[[Claim], int]) -> tuple[int, Claim | None]:
        free, by = self.now, None
        for claim in self.claims:
            if claim in claims and (at := free_of(claim)) > free:
                free, by = at, claim
        return free, by

    def _refuse(self, until: int, by: Claim, *, full: bool = False) -> Verdict:
        self._of(by).refused += 1
        return self._wait(until, by, full=full)

    def _wait(self, until: int, by: Claim, *, full: bool = False) -> Verdict:
        return Verdict(False, (until - self.now) / MICRO, by.name, full, tuple(self.wake))

    def _refuse_seat(self, claim: Claim, ahead: int, *, full: bool = False) -> Verdict:
        budget = self._of(claim)
        if budget.paused > self.now:
            return self._refuse(budget.paused, claim, full=full)
        hold = UNKNOWN_HOLD if budget.hold is None else budget.hold
        wait = max(LEAST_WAIT, (ahead + 1) * hold // budget.limit(self.now))
        return self._refuse(self.now + min(wait, budget.period), claim, full=full)

    def _seek_seat(self, claim: Claim) -> Verdict | None:
        budget = self._of(claim)
        budget.end_leases(self.now)
        waiting, is_open, is_held = len(budget.line), budget.paused <= self.now, self.token in budget.held
        if is_open and (is_held or (not waiting and len(budget.held) < budget.limit(self.now))):
            return None
        if is_held:
            budget.held[self.token] = budget.paused + GRACE
            return self._refuse_seat(claim, 0)
        if self.token not in budget.line:
            if waiting >= claim.most_waiting:
                return self._refuse_seat(claim, waiting, full=True)
            budget.line[self.token] = max(self.now, max(budget.line.values(), default=0) + 1)
        called = budget.call_next(self.now)
        self.wake += [token for token in called if token != self.token]
        if self.token in called:
            return None
        return self._refuse_seat(claim, list(budget.line).index(self.token))

    def _wait_in_place(self, place: int) -> Verdict | None:
        if place > self.now:
            self._put(place)
            return self._wait(place, self.shared[-1])
        _free, by = self._latest(self.shared, self._free_now)
        if not by:
            return None
        free, _by = self._latest(self.shared, self._free_in_turn)
        self._put(max(place, free - GRACE // 2))
        return self._refuse(free, by)

    def _reserve_place(self) -> Verdict | None:
        free, by = self._latest(self.shared, self._next_place)
        if not by:
            return None
        for claim in self.shared:
            if len(self._of(claim).places) >= claim.most_waiting:
                return self._refuse(free, claim, full=True)
        self._put(free)
        return self._refuse(free, by)

    def _take(self) -> Verdict:
        for claim in (*self.own, *self.shared):
            self._of(claim).use(self.now)
        self._leave_places()
        if self.seats:
            self._of(self.seats).held[self.token] = self.now + self._of(self.seats).period
        return Verdict(True, wake=tuple(self.wake))
