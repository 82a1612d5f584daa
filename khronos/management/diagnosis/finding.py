"""What the doctor finds: well or not, in words, with the fix; and whether he can mend it himself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    is_well: bool
    says: str
    fix: str = ""
    mend: Callable[[], object] | None = None  # safe, and the same however often it is done


type Findings = Iterator[Finding]


def well(says: str) -> Finding:
    return Finding(True, says)


def ill(says: str, fix: str, mend: Callable[[], object] | None = None) -> Finding:
    return Finding(False, says, fix, mend)
