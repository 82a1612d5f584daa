"""getUpdates: the other way to get updates, for a bot without a webhook."""

import asyncio
import time

import orjson

from bench.simulator.home import Home
from bench.simulator.telegram import errors
from bench.simulator.telegram.account import allowed_of
from bench.simulator.telegram.bot import Bot
from bench.simulator.telegram.errors import conflict
from bench.simulator.telegram.ledger import Attempt, Update
from bench.simulator.telegram.params import Params, int_of

MAX_TIMEOUT_SECONDS = 50


class Poll:
    """The long poll that is under way for one bot; a newer one ends it with 409, as the real server does."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._waiting: asyncio.Future[str | None] | None = None

    @property
    def waiting(self) -> bool:
        return self._waiting is not None

    def wake(self) -> None:
        """A new update is there."""
        self._end(None)

    def interrupt(self, why: str) -> None:
        self._end(why)

    def _end(self, why: str | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(why)

    async def get_updates(self, bot: Bot, params: Params) -> list[object]:
        if bot.webhook is not None:
            raise conflict(errors.WEBHOOK_ACTIVE)
        self.interrupt(errors.OTHER_POLLER)
        allowed = allowed_of(params)
        if allowed is not None:
            bot.allowed_updates = allowed
        _confirm(bot, int_of(params, "offset"))
        limit = min(100, max(1, int_of(params, "limit", 100)))
        if not bot.pending:
            await self._wait(min(MAX_TIMEOUT_SECONDS, int_of(params, "timeout")))
        return _read(bot, limit)

    async def _wait(self, seconds: int) -> None:
        if seconds <= 0:
            return
        waiting: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._waiting = waiting
        self._home.changed()
        try:
            async with asyncio.timeout(seconds):
                why = await waiting
        except TimeoutError:
            return
        finally:
            if self._waiting is waiting:
                self._waiting = None
        if why is not None:
            raise conflict(why)


def _confirm(bot: Bot, offset: int) -> None:
    """All before the offset are the bot's own business now; a negative one keeps only the last so many."""
    now = time.time()
    if offset < 0:
        kept = list(bot.pending)[offset:]
        offset = kept[0] if kept else 0
    for update_id in [known for known in bot.pending if known < offset]:
        update = bot.pending.pop(update_id)
        update.state = "accepted"
        update.accept(now)


def _read(bot: Bot, limit: int) -> list[object]:
    updates: list[Update] = list(bot.pending.values())[:limit]
    now = time.time()
    for update in updates:
        update.attempts.append(_handed_over(now))
    return [orjson.Fragment(update.body) for update in updates]


def _handed_over(now: float) -> Attempt:
    return Attempt(now, 200, "", 0.0)
