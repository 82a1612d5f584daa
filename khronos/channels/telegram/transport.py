"""How answers leave: Markdown becomes Telegram's HTML, where there is any."""

from collections.abc import Callable, Sequence
from itertools import batched
from typing import Any

from khronos.channels import markdown
from khronos.channels.base import Account, Button
from khronos.channels.telegram import files
from khronos.channels.telegram.api import BotApi
from khronos.channels.telegram.budgets import claims_of_bot, claims_of_chat
from khronos.database import storable
from khronos.exceptions import Ambiguous, Permanent
from khronos.resilience.limits import Claim

IN_A_ROW = 4  # Telegram shows eight, which are too narrow for words


class TelegramTransport:
    text_limit = 4096
    can_edit = True
    guard = "telegram"
    pulled = False
    brings_files = False

    def __init__(self, account: Account) -> None:
        self.api = BotApi(account.token, str(account.options.get("api_url") or ""))
        self.budget = f"telegram:bot:{self.api.bot}"

    def send(
        self, chat_id: str, text: str, *, plain: bool = False, key: str = "", buttons: Sequence[Button] = ()
    ) -> str:
        """Markdown as HTML; with `plain` as it was written. Telegram knows no keys."""
        said = words(text, plain) | keyboard(buttons)
        sent = self.api.call("sendMessage", repeatable=False, **place(chat_id), **said)
        message_id = sent.get("message_id") if isinstance(sent, dict) else None
        if message_id is None:
            raise Ambiguous("sendMessage: done, but the answer names no message")
        return str(message_id)

    def edit(
        self,
        chat_id: str,
        message_id: str,
        text: str,
        *,
        plain: bool = False,
        buttons: Sequence[Button] = (),
    ) -> None:
        chat, said = place(chat_id)["chat_id"], words(text, plain) | keyboard(buttons)
        self.api.call("editMessageText", chat_id=chat, message_id=whole(message_id), **said)

    def claims(self, chat_id: str, chat_type: str, *, edits: bool = False) -> Sequence[Claim]:
        chat = chat_id.partition(":")[0]
        own = [] if edits else claims_of_chat(self.api.bot, chat, chat_type)
        return [*own, *claims_of_bot(self.api.bot)]

    def typing(self, chat_id: str) -> None:
        self.api.call("sendChatAction", action="typing", **place(chat_id))

    def fetch(self, file_id: str, most_bytes: int, sink: Callable[[bytes], object]) -> None:
        files.fetch(self.api, file_id, most_bytes, sink)

    def answer_button(self, callback_id: str, text: str = "") -> None:
        shown: dict[str, Any] = {"text": text} if text else {}
        self.api.call("answerCallbackQuery", callback_query_id=callback_id, **shown)


def place(chat_id: str) -> dict[str, Any]:
    """A conversation is a chat, or one topic of a forum: `chat:thread`."""
    chat, _, thread = chat_id.partition(":")
    where: dict[str, Any] = {"chat_id": int(chat) if chat.removeprefix("-").isdecimal() else chat}
    return where | {"message_thread_id": whole(thread)} if thread else where


def keyboard(buttons: Sequence[Button]) -> dict[str, Any]:
    """Rows of a few buttons."""
    if not buttons:
        return {}
    rows = [
        [{"text": button.text, "callback_data": button.data} for button in row]
        for row in batched(buttons, IN_A_ROW)
    ]
    return {"reply_markup": {"inline_keyboard": rows}}


def whole(text: str) -> int:
    if not text.isdecimal():
        raise Permanent(f"{text[:40]!r} is no id of Telegram's")
    return int(text)


def words(text: str, plain: bool) -> dict[str, Any]:
    text = storable(text)  # Telegram refuses what databases do
    html = None if plain else markdown.to_html(text)
    return {"text": text} if html is None else {"text": html, "parse_mode": "HTML"}
