"""Delivers one bot's updates to its webhook, the way Telegram does: per chat one at a time, until a 2xx."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import orjson

from bench.simulator.home import Home
from bench.simulator.telegram.bot import Bot, Webhook
from bench.simulator.telegram.courier import Courier, Reply
from bench.simulator.telegram.ledger import QueueKey, Update
from bench.simulator.telegram.params import Params

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
MAX_RETRY_AFTER_SECONDS = 3600.0  # Telegram honours no more
NOT_BY_WEBHOOK = ("deletewebhook", "setwebhook", "close", "logout")

type Execute = Callable[[Bot, Params], None]


@dataclass(slots=True)
class Manner:
    """How updates are delivered. Telegram tries again at once, then after 2, 4, … seconds."""

    copies: int = 1  # deliver each update so many times
    copy_chance: float = 1.0  # … with this probability
    together: bool = False  # … all at the same time
    deaf_chance: float = 0.0  # the webhook's 2xx is lost on its way, and the update comes again
    retry: bool = True
    retry_base: float = 2.0
    retry_cap: float = 60.0
    attempts: int = 10_000
    timeout: float = 60.0

    def pause(self, failures: int, retry_after: float) -> float:
        if retry_after > 0:
            return min(retry_after, MAX_RETRY_AFTER_SECONDS)
        if failures <= 1:
            return 0.0
        return min(self.retry_cap, self.retry_base * 2.0 ** min(failures - 2, 30))


class Postman:
    """Lives as long as one setting of the webhook does."""

    def __init__(self, home: Home, bot: Bot, webhook: Webhook, manner: Manner, execute: Execute) -> None:
        self._home = home
        self._bot = bot
        self._webhook = webhook
        self._manner = manner
        self._execute = execute
        headers = {"Content-Type": "application/json"}
        if webhook.secret:
            headers[SECRET_HEADER] = webhook.secret
        self._courier = Courier(webhook.url, headers, manner.timeout)
        self._chance = random.Random(bot.bot_id)
        self._slots = asyncio.Semaphore(webhook.max_connections)
        self._queues: dict[QueueKey, deque[Update]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def post(self, update: Update) -> None:
        """Take an update; it waits for the earlier ones of its chat only."""
        queue = self._queues.get(update.queue)
        if queue is None:
            queue = self._queues[update.queue] = deque()
            task = asyncio.get_running_loop().create_task(self._drain(update.queue, queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        queue.append(update)

    async def stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._courier.close()

    async def _drain(self, key: QueueKey, queue: deque[Update]) -> None:
        while queue:
            await self._deliver(queue[0])
            queue.popleft()
        del self._queues[key]

    async def _deliver(self, update: Update) -> None:
        for failures in range(1, self._manner.attempts + 1):
            if update.state != "pending":
                return
            accepted, retry_after = await self._post_copies(update)
            if accepted:
                return self._settle(update, accepted=True)
            if not self._manner.retry:
                break
            await asyncio.sleep(self._manner.pause(failures, retry_after))
        self._settle(update, accepted=False)

    def _settle(self, update: Update, *, accepted: bool) -> None:
        update.state = "accepted" if accepted else "dropped"
        self._bot.pending.pop(update.update_id, None)
        self._home.changed()

    async def _post_copies(self, update: Update) -> tuple[bool, float]:
        """One attempt; after (or with) a good one the further copies that were ordered."""
        copies = self._manner.copies if self._chance.random() < self._manner.copy_chance else 1
        if self._manner.together and copies > 1:
            results = await asyncio.gather(*(self._attempt(update) for _ in range(copies)))
            return any(ok for ok, _ in results), max(after for _, after in results)
        accepted, retry_after = await self._attempt(update)
        if accepted:
            for _ in range(copies - 1):
                await self._attempt(update)
        return accepted, retry_after

    async def _attempt(self, update: Update) -> tuple[bool, float]:
        async with self._slots:
            started = time.time()
            try:
                reply = await self._courier.post(update.body)
            except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as failure:
                return self._failed(update, started, None, _reason(failure)), 0.0
        if not 200 <= reply.status < 300:
            refused = f"Wrong response from the webhook: {reply.status}"
            return self._failed(update, started, reply.status, refused), _seconds(reply)
        if self._chance.random() < self._manner.deaf_chance:
            return self._failed(update, started, None, "Webhook connection closed"), 0.0
        update.attempted(reply.status, "", started)
        self._home.changed()
        self._follow(reply.body)
        return True, 0.0

    def _failed(self, update: Update, started: float, status: int | None, why: str) -> Literal[False]:
        update.attempted(status, why, started)
        self._webhook.last_error_at = int(time.time())
        self._webhook.last_error = why
        self._home.changed()
        return False

    def _follow(self, body: bytes) -> None:
        """Execute a call that came in the answer's body."""
        if not body:
            return
        try:
            params = orjson.loads(body)
        except orjson.JSONDecodeError:
            return
        method = str(params.get("method", "")).lower() if isinstance(params, dict) else ""
        if method and method not in NOT_BY_WEBHOOK and not method.startswith("get"):
            self._execute(self._bot, params)


def _seconds(reply: Reply) -> float:
    header = reply.headers.get("retry-after", "")
    return float(header) if header.isdigit() else 0.0


def _reason(failure: Exception) -> str:
    if isinstance(failure, TimeoutError):
        return "Read timeout expired"
    if isinstance(failure, EOFError):
        return "Webhook connection closed"
    return str(failure) or type(failure).__name__
