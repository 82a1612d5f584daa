"""Limits shared through Redis: each question is one script, one round trip, on the server's clock (lua/)."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import redis

from khronos.resilience.limits.policy import (
    GRACE_MS,
    MICRO,
    Claim,
    Count,
    Usage,
    Verdict,
    Window,
    terms,
)

FOLDER = Path(__file__).with_name("lua")


class RedisStore:
    """The client should have a short timeout and no retries: a caller waits for it, and a retry pays twice.

    With a clock (seconds) given the server's own is not asked.
    """

    def __init__(
        self, client: "redis.Redis", prefix: str = "limit:", clock: Callable[[], float] | None = None
    ) -> None:
        self._prefix, self._clock = prefix, clock
        shared = (FOLDER / "budget.lua").read_text()
        self._scripts = {
            path.stem: client.register_script(shared + path.read_text())
            for path in FOLDER.glob("*.lua")
            if path.stem != "budget"
        }

    def ask(self, token: str, claims: Sequence[Claim]) -> Verdict:
        names = [claim.name for claim in claims]
        words: list[str | int] = [token]
        for claim in claims:
            words += [*terms(claim.policy), claim.most_waiting, int(claim.shared)]
        granted, wait, number, full, *wake = self._run(
            "ask", [self._seats_of(token), *self._keys(names)], *words
        )
        blocked_by = names[number - 1] if number else ""
        return Verdict(granted == 1, wait / MICRO, blocked_by, full == 1, tuple(map(text, wake)))

    def release(self, token: str) -> list[str]:
        return [text(woken) for woken in self._run("release", [self._seats_of(token)], token)]

    def pause(self, name: str, seconds: float) -> None:
        self._run("pause", self._keys([name]), round(seconds * MICRO))

    def learn(self, name: str, limit: int, for_s: float) -> None:
        self._run("learn", self._keys([name]), limit, round(for_s * MICRO))

    def hit(self, name: str, window: Window) -> Count:
        _kind, limit, period = terms(window)
        within, used, wait = self._run("hit", self._keys([name]), limit, period)
        return Count(within == 1, used, wait / MICRO)

    def snapshot(self, names: Sequence[str]) -> list[Usage]:
        rows = self._run("snapshot", self._keys(names))
        return [
            Usage(name, used, known(limit), known(learned), waiting, paused / MICRO, refused)
            for name, (used, limit, learned, waiting, paused, refused) in zip(names, rows, strict=True)
        ]

    def _run(self, script: str, keys: Sequence[str], *words: str | int) -> Any:
        now = "" if self._clock is None else round(self._clock() * MICRO)
        return self._scripts[script](keys, [now, GRACE_MS * 1000, *words])

    def _keys(self, names: Sequence[str]) -> list[str]:
        return [self._prefix + name for name in names]

    def _seats_of(self, token: str) -> str:
        return f"{self._prefix}seats-of:{token}"


def text(word: bytes | str) -> str:
    return word.decode() if isinstance(word, bytes) else word


def known(number: int) -> int | None:
    return None if number < 0 else number
