"""When a dead process comes back, and when it is given up. A value object: a table tests it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Restart:
    after_s: float
    failed_starts: int


@dataclass(frozen=True)
class GiveUp:
    failed_starts: int


@dataclass(frozen=True)
class RestartPolicy:
    apart_s: float = 4.0  # from start to start, so that what ran for long comes back at once
    failed_start_s: float = 10.0  # a life shorter than this is a failed start
    max_failed_starts: int = 10  # in a row; a long life forgives all

    def after_death(self, lived_s: float, failed_starts: int) -> Restart | GiveUp:
        if lived_s >= self.failed_start_s:
            return Restart(after_s=max(0.0, self.apart_s - lived_s), failed_starts=0)
        failed_starts += 1
        if failed_starts >= self.max_failed_starts:
            return GiveUp(failed_starts)
        return Restart(after_s=max(0.0, self.apart_s - lived_s), failed_starts=failed_starts)
