"""What the limiter asks its store. The store's clock is the only one that decides."""

from collections.abc import Sequence
from typing import Protocol

from khronos.resilience.limits.policy import Claim, Count, Usage, Verdict, Window


class Store(Protocol):
    def ask(self, token: str, claims: Sequence[Claim]) -> Verdict:
        """All of them or none."""

    def release(self, token: str) -> list[str]:
        """Give the token's seats back; answers the tokens that may come now."""

    def pause(self, name: str, seconds: float) -> None:
        """Grant nothing until then; places that fall into it move behind it, in their order."""

    def learn(self, name: str, limit: int, for_s: float) -> None:
        """Another limit for so long, whatever the policy says."""

    def hit(self, name: str, window: Window) -> Count:
        """Count one if it fits, without waiting."""

    def snapshot(self, names: Sequence[str]) -> list[Usage]:
        """How budgets stand; changes nothing."""
