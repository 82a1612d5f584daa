"""The fake Telegram: bots, their chats, the delivery of updates, faults, and what may be read afterwards."""

from collections.abc import Sequence

from bench.simulator.home import Home, at_home
from bench.simulator.telegram import errors
from bench.simulator.telegram.bot import DEFAULT_TOKEN, Bot
from bench.simulator.telegram.chat import Chat, Message
from bench.simulator.telegram.delivery import Delivery
from bench.simulator.telegram.errors import ApiError, too_many
from bench.simulator.telegram.gate import Gate, call_of
from bench.simulator.telegram.ledger import Call, Ledger, Update
from bench.simulator.telegram.limits import Pace
from bench.simulator.telegram.methods import CANONICAL, METHODS
from bench.simulator.telegram.params import Params, text_of
from bench.simulator.telegram.people import People
from bench.simulator.telegram.troubles import Troubles

SCREEN_METHODS = frozenset({"sendMessage", "sendPhoto", "sendDocument", "editMessageText"})


class Telegram(People, Troubles):
    """All public methods may be called from any thread."""

    def __init__(self, home: Home, seed: int = 0) -> None:
        super().__init__(seed)
        self.home = home
        self.ledger = Ledger()
        self._bots: dict[str, Bot] = {}
        self._paces: dict[str, Pace] = {}
        self._delivery = Delivery(home, self.ledger, self.manner, self._execute)
        self.gate = Gate(self._bots, self._faults, self._perform, self._record)
        self.add_bot(DEFAULT_TOKEN)

    # Bots and chats

    @at_home
    def add_bot(self, token: str, username: str = "") -> Bot:
        """Make a bot, anew if there is one with this token; from now on it is the one meant by default."""
        earlier = self._bots.pop(token, None)
        if earlier is not None:
            self._delivery.set_webhook(earlier, {"drop_pending_updates": True})
        bot = Bot(token, username or f"simulated_{len(self._bots) + 1}_bot")
        self._bots[token] = bot
        self._paces[token] = Pace(self.limits, self.ledger.violations)
        return bot

    def bot(self, token: str | None = None) -> Bot:
        return self._bots[token] if token else next(reversed(self._bots.values()))

    @property
    def token(self) -> str:
        """The default bot's token."""
        return self.bot().token

    @at_home
    def open_chat(self, chat_id: int, name: str = "", *, token: str | None = None) -> Chat:
        """Make a chat known to the bot without anyone writing in it (an alert chat, say)."""
        return self.bot(token).open_chat(chat_id, name)

    @at_home
    def view(self, chat_id: int, *, token: str | None = None) -> list[Message]:
        """The chat's screen: every message not deleted, oldest first."""
        chat = self.bot(token).chats.get(chat_id)
        return chat.visible() if chat else []

    @at_home
    def answers(self, chat_id: int, *, token: str | None = None) -> list[str]:
        """The texts of the bot on the chat's screen."""
        return [message.text for message in self.view(chat_id, token=token) if message.from_bot]

    @at_home
    def chats(self, *, token: str | None = None) -> list[Chat]:
        return list(self.bot(token).chats.values())

    @at_home
    def screens(self) -> dict[tuple[str, int], Sequence[Message]]:
        """Every chat's screen, by token and chat id."""
        return {
            (bot.token, chat.chat_id): chat.visible()
            for bot in self._bots.values()
            for chat in bot.chats.values()
        }

    @at_home
    def calls(self, method: str | None = None, *, chat_id: int | None = None) -> list[Call]:
        return [
            call
            for call in self.ledger.calls
            if (method is None or call.method == method) and (chat_id is None or call.chat_id == chat_id)
        ]

    @at_home
    def updates(self) -> list[Update]:
        return list(self.ledger.updates)

    @at_home
    def reset(self) -> None:
        """Forget ledger, chats, pending updates, faults, limits and manners; bots and webhooks stay."""
        self.ledger.clear()
        self._calm()
        for bot in self._bots.values():
            self._delivery.forget(bot)
            bot.chats.clear()
            self._paces[bot.token] = Pace(self.limits, self.ledger.violations)

    # Updates

    @at_home
    def push(
        self, kind: str, payload: dict[str, object], chat_id: int, *, token: str | None = None
    ) -> Update:
        """An update of any kind, made by the caller."""
        return self._enqueue(self.bot(token), kind, payload, chat_id)

    @at_home
    def push_raw(self, body: bytes, chat_id: int = 0, *, token: str | None = None) -> Update:
        """Any bytes as the body of a webhook call, in the queue of this chat."""
        return self._delivery.enqueue_raw(self.bot(token), body, chat_id)

    @at_home
    def set_webhook(self, url: str, secret: str = "", *, token: str | None = None) -> None:
        """What a bot does by setWebhook; without a url the webhook is deleted."""
        self._delivery.set_webhook(self.bot(token), {"url": url, "secret_token": secret})

    @at_home
    def polling(self, *, token: str | None = None) -> bool:
        """Is the bot waiting in getUpdates?"""
        return self._delivery.polling(self.bot(token))

    def _enqueue(
        self, bot: Bot, kind: str, payload: dict[str, object], chat_id: int, text: str = ""
    ) -> Update:
        return self._delivery.enqueue(bot, kind, payload, chat_id, text)

    # Calls of a bot

    async def _perform(self, bot: Bot, name: str, params: Params, call: Call) -> object:
        if name == "getUpdates":
            return await self._delivery.get_updates(bot, params)
        return self._perform_now(bot, name, params, call)

    def _perform_now(self, bot: Bot, name: str, params: Params, call: Call) -> object:
        wait = self._paces[bot.token].take(name, bot.chats.get(call.chat_id or 0))
        if wait:
            raise too_many(wait)
        if name == "setWebhook":
            return self._delivery.set_webhook(bot, params)
        if name == "deleteWebhook":
            return self._delivery.set_webhook(bot, {**params, "url": ""})
        method = METHODS.get(name)
        if method is None:
            raise ApiError(404, errors.METHOD_NOT_FOUND)
        result = method(bot, params)
        if isinstance(result, dict) and name in SCREEN_METHODS:
            call.message_id = result["message_id"]
        return result

    def _execute(self, bot: Bot, params: Params) -> None:
        """A call that came in the body of a webhook's answer; nobody hears of its result."""
        method = text_of(params, "method")
        name = CANONICAL.get(method.lower(), method)
        call = call_of(bot, name, params)
        call.via_webhook = True
        try:
            self._perform_now(bot, name, params, call)
            call.done = True
        except ApiError as error:
            call.outcome = f"{error.code} {error.description}"
        self._record(call)

    async def stop(self) -> None:
        await self._delivery.stop()

    def _record(self, call: Call) -> None:
        self.ledger.calls.append(call)
        self.home.changed()
