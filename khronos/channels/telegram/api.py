"""The Bot API: one method of ours for each of Telegram's that is used. The token appears in no text."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
from django.conf import settings

from khronos.channels.telegram.errors import Garbled, result_of, unsure
from khronos.exceptions import Misconfigured, Oversized, Transient, Unauthorized
from khronos.http import Pool, Unanswered, Unsent, pool
from khronos.http.inlet import Reply, Sink

JSON = (("Content-Type", "application/json"),)
# The body of getUpdates with one update, as far as can be told without reading all of it.
LONE_UPDATE = re.compile(
    rb'\s*{\s*"ok"\s*:\s*true\s*,\s*"result"\s*:\s*\['
    rb'\s*({\s*"update_id"\s*:\s*(\d{1,15})\b.*})\s*\]\s*}\s*',
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """One polled update; `raw` is what the webhook would have got."""

    update_id: int
    raw: bytes


class BotApi:
    def __init__(self, token: str, api_url: str = "") -> None:
        parts = urlsplit(api_url or settings.TELEGRAM_API_URL)
        self._pool: Pool = pool(f"{parts.scheme}://{parts.netloc}")
        self._path = f"{parts.path.rstrip('/')}/bot{quote(token, safe=':')}/"
        self._file_path = f"{parts.path.rstrip('/')}/file/bot{quote(token, safe=':')}/"
        self.bot = token.partition(":")[0]

    def __repr__(self) -> str:
        return f"<BotApi of bot {self.bot if self.bot.isdecimal() else '?'}>"

    def call(self, method: str, *, repeatable: bool = True, wait: float = 0.0, **parameters: Any) -> Any:
        """Call a method; `wait` is how long Telegram itself may take. `repeatable`: twice does no harm."""
        if not self.bot:
            raise Unauthorized("the bot has no token")
        try:
            reply = self._pool.request(
                "POST",
                self._path + method,
                JSON,
                encoded(parameters),
                connect_timeout=settings.TELEGRAM_CONNECT_TIMEOUT_S,
                timeout=settings.TELEGRAM_CONNECT_TIMEOUT_S + settings.TELEGRAM_READ_TIMEOUT_S + wait,
            )
        except Unsent as error:
            raise Transient(f"{method}: not sent, {error}") from None
        except Unanswered as error:
            raise unsure(f"{method}: no answer, {error}", repeatable) from None
        return result_of(method, reply, repeatable)

    def download(self, path: str, most_bytes: int, sink: Sink) -> Reply:
        """A file by the path that getFile said: its bytes go into the sink, any other answer comes back."""
        try:
            return self._pool.request(
                "GET",
                self._file_path + quote(path),
                (),
                b"",
                connect_timeout=settings.TELEGRAM_CONNECT_TIMEOUT_S,
                timeout=settings.TELEGRAM_CONNECT_TIMEOUT_S + settings.MEDIA_FETCH_TIMEOUT_S,
                most_bytes=most_bytes,
                sink=sink,
            )
        except Unsent as error:
            raise Transient(f"file: not sent, {error}") from None
        except Unanswered as error:
            if error.too_large:
                raise Oversized("file: more than we take") from None
            raise Transient(f"file: broke off, {error}") from None

    def get_me(self) -> dict[str, Any]:
        return known(self.call("getMe"), dict)

    def get_my_commands(self) -> list[dict[str, str]]:
        return known(self.call("getMyCommands"), list)

    def set_my_commands(self, descriptions: Mapping[str, str], language: str = "") -> None:
        """What chats show behind "/"; without a language for whoever has none of their own."""
        commands = [{"command": name, "description": text} for name, text in descriptions.items()]
        self.call("setMyCommands", commands=commands, language_code=language)

    def get_updates(
        self, offset: int, timeout: int, allowed: Sequence[str], limit: int = 100
    ) -> list[Fetched]:
        """Waits up to `timeout` seconds for news. Conflict: another poller, or a webhook is set."""
        try:
            updates = self.call(
                "getUpdates",
                wait=timeout,
                offset=offset,
                timeout=timeout,
                limit=limit,
                allowed_updates=list(allowed),
            )
        except Garbled as error:
            # One update that cannot be read must not hold up the others: it is taken out alone.
            return salvaged(error) if limit == 1 else self.get_updates(offset, timeout, allowed, limit=1)
        return [Fetched(update_id_of(update), encoded(update)) for update in known(updates, list)]

    def set_webhook(self, url: str, secret: str, allowed: Sequence[str], max_connections: int = 40) -> None:
        if not secret:
            raise Misconfigured("A webhook without a secret would admit everyone.")
        self.call(
            "setWebhook",
            url=url,
            secret_token=secret,
            allowed_updates=list(allowed),
            max_connections=max_connections,
        )

    def delete_webhook(self) -> None:
        self.call("deleteWebhook")

    def get_webhook_info(self) -> dict[str, Any]:
        return known(self.call("getWebhookInfo"), dict)


def encoded(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # lone surrogates, integers of more than 64 bits
        return json.dumps(value).encode()


def known[T](result: Any, kind: type[T]) -> T:
    if not isinstance(result, kind):
        raise Transient("Telegram answered something else than its documentation says")
    return result


def salvaged(error: Garbled) -> list[Fetched]:
    found = LONE_UPDATE.fullmatch(error.body)
    if not found:
        raise error
    return [Fetched(int(found[2]), found[1])]


def update_id_of(update: Any) -> int:
    update_id = update.get("update_id") if isinstance(update, dict) else None
    return update_id if type(update_id) is int else 0
