"""Delivers one bot's updates to its webhook, the way Telegram does: per chat one at a time, until a 2xx."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import orjson

from bench.simulator.home import Home
from bench.simulator.telegram.bot import Bot, Webhook
from bench.simulator.telegram.ledger import QueueKey, Update
from bench.simulator.telegram.params import Params

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
MAX_RETRY_AFTER_SECONDS = 3600.0  # Telegram honours no more
NOT_BY_WEBHOOK = ("deletewebhook", "setwebhook", "close", "logout")

type Execute = Callable[[Bot, Params], None]


@dataclass(slots=True)
class Manner:
    """How updates are delivered. Telegram tries again at once, then after 2, 4, … seconds."""

    copies: int = 1
    together: bool = False
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
        self._headers = {"Content-Type": "application/json"}
        if webhook.secret:
            self._headers[SECRET_HEADER] = webhook.secret
        self._session: aiohttp.ClientSession | None = None
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
        if self._session is not None:
            await self._session.close()

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
        if self._manner.together and self._manner.copies > 1:
            results = await asyncio.gather(*(self._attempt(update) for _ in range(self._manner.copies)))
            return any(ok for ok, _ in results), max(after for _, after in results)
        accepted, retry_after = await self._attempt(update)
        if accepted:
            for _ in range(self._manner.copies - 1):
                await self._attempt(update)
        return accepted, retry_after

    async def _attempt(self, update: Update) -> tuple[bool, float]:
        async with self._slots:
            started = time.time()
            status: int | None = None
            retry_after, error = 0.0, ""
            try:
                status, retry_after, body = await self._send(update.body)
            except TimeoutError:
                error = "Read timeout expired"
            except (aiohttp.ClientError, OSError) as failure:
                error = str(failure) or type(failure).__name__
            update.attempted(status, error, started)
            self._home.changed()
            if status is not None and 200 <= status < 300:
                self._follow(body)
                return True, 0.0
            self._webhook.last_error_at = int(time.time())
            self._webhook.last_error = error or f"Wrong response from the webhook: {status}"
            return False, retry_after

    async def _send(self, body: bytes) -> tuple[int, float, bytes]:
        async with self._client().post(self._webhook.url, data=body, headers=self._headers) as response:
            content = await response.read()
            return response.status, _seconds(response.headers.get("Retry-After", "")), content

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._webhook.max_connections, force_close=False)
            timeout = aiohttp.ClientTimeout(total=self._manner.timeout)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self._session

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


def _seconds(header: str) -> float:
    return float(header) if header.isdigit() else 0.0
