"""From a person's deed to the bot: updates are numbered, kept, and pushed or handed out."""

import asyncio
import re
import time
from collections.abc import Coroutine
from typing import Any

import orjson

from bench.simulator.home import Home
from bench.simulator.telegram import errors
from bench.simulator.telegram.account import allowed_of, connections_of
from bench.simulator.telegram.bot import Bot, Webhook
from bench.simulator.telegram.errors import bad_request
from bench.simulator.telegram.ledger import Ledger, Update
from bench.simulator.telegram.params import Params, bool_of, text_of
from bench.simulator.telegram.polling import Poll
from bench.simulator.telegram.postman import Execute, Manner, Postman

OWN_QUEUE = frozenset({"callback_query", "my_chat_member"})  # these do not wait for the chat's messages
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")


class Delivery:
    """One for all bots. Each has a postman while it has a webhook, and a poll at all times."""

    def __init__(self, home: Home, ledger: Ledger, manner: Manner, execute: Execute) -> None:
        self._home = home
        self._ledger = ledger
        self._manner = manner
        self._execute = execute
        self._postmen: dict[str, Postman] = {}
        self._polls: dict[str, Poll] = {}
        self._errands: set[asyncio.Task[Any]] = set()

    def enqueue(self, bot: Bot, kind: str, payload: dict[str, object], chat_id: int, text: str) -> Update:
        body = orjson.dumps({"update_id": bot.next_update_id, kind: payload})
        update = self._number(bot, kind, body, chat_id, text)
        message_id = payload.get("message_id")
        update.message_id = message_id if isinstance(message_id, int) else None
        if bot.wants(kind):
            self._keep(bot, update)
        else:
            update.state = "dropped"
        return update

    def enqueue_raw(self, bot: Bot, body: bytes, chat_id: int) -> Update:
        update = self._number(bot, "raw", body, chat_id, "")
        self._keep(bot, update)
        return update

    def _number(self, bot: Bot, kind: str, body: bytes, chat_id: int, text: str) -> Update:
        queue = (kind if kind in OWN_QUEUE else "message", chat_id)
        update = Update(bot.next_update_id, bot.token, chat_id, kind, queue, body, text, time.time())
        bot.next_update_id += 1
        return update

    def _keep(self, bot: Bot, update: Update) -> None:
        self._ledger.updates.append(update)
        bot.pending[update.update_id] = update
        postman = self._postmen.get(bot.token)
        if postman is not None:
            postman.post(update)
        elif bot.token in self._polls:
            self._polls[bot.token].wake()
        self._home.changed()

    def forget(self, bot: Bot) -> None:
        """Drop what is pending; the webhook goes on with what comes."""
        _drop_pending(bot)
        if bot.webhook is not None:
            self._dismiss(bot)
            self._employ(bot, bot.webhook)

    async def get_updates(self, bot: Bot, params: Params) -> list[object]:
        poll = self._polls.setdefault(bot.token, Poll(self._home))
        updates = await poll.get_updates(bot, params)
        self._home.changed()
        return updates

    def polling(self, bot: Bot) -> bool:
        """Is a long poll under way?"""
        return bot.token in self._polls and self._polls[bot.token].waiting

    def set_webhook(self, bot: Bot, params: Params) -> bool:
        """Also deletes it, when the url is empty."""
        url = text_of(params, "url")
        if url and not url.startswith(("http://", "https://")):
            raise bad_request("Bad Request: bad webhook: URL must begin with https://")
        secret = text_of(params, "secret_token")
        if secret and not SECRET.fullmatch(secret):
            raise bad_request("Bad Request: secret token contains unallowed characters")
        allowed = allowed_of(params)
        if allowed is not None:
            bot.allowed_updates = allowed
        self._dismiss(bot)
        if bool_of(params, "drop_pending_updates"):
            _drop_pending(bot)
        bot.webhook = None
        if url:
            self._employ(bot, Webhook(url, secret, connections_of(params)))
        return True

    def _employ(self, bot: Bot, webhook: Webhook) -> None:
        bot.webhook = webhook
        if bot.token in self._polls:
            self._polls[bot.token].interrupt(errors.POLLER_REPLACED)
        postman = Postman(self._home, bot, webhook, self._manner, self._execute)
        self._postmen[bot.token] = postman
        for update in list(bot.pending.values()):
            postman.post(update)

    def _dismiss(self, bot: Bot) -> None:
        postman = self._postmen.pop(bot.token, None)
        if postman is not None:
            self._run(postman.stop())

    def _run(self, errand: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def stop(self) -> None:
        postmen = list(self._postmen.values())
        self._postmen.clear()
        for postman in postmen:
            await postman.stop()
        await asyncio.gather(*self._errands, return_exceptions=True)


def _drop_pending(bot: Bot) -> None:
    for update in bot.pending.values():
        update.state = "dropped"
    bot.pending.clear()
