"""Methods that put something on a screen: send, edit, delete, "typing"."""

import time

from bench.simulator.telegram import errors
from bench.simulator.telegram.bot import Bot, StoredFile
from bench.simulator.telegram.chat import Chat, Message, Version
from bench.simulator.telegram.errors import ApiError, bad_request
from bench.simulator.telegram.markup import plain_text
from bench.simulator.telegram.params import Params, int_of, json_of, text_of, upload_of

MAX_TEXT_UNITS = 4096  # UTF-16 code units, after the markup is taken out
MAX_CAPTION_UNITS = 1024


def find_chat(bot: Bot, params: Params) -> Chat:
    """The chat a call speaks of, if the bot may speak there."""
    chat = bot.chats.get(int_of(params, "chat_id"))
    if not params.get("chat_id"):
        raise bad_request("Bad Request: chat_id is empty")
    if chat is None:
        raise bad_request(errors.CHAT_NOT_FOUND)
    if chat.migrated_to is not None:
        raise ApiError(400, errors.MIGRATED, migrate_to_chat_id=chat.migrated_to)
    if chat.blocked:
        raise ApiError(403, errors.BLOCKED if chat.kind == "private" else errors.KICKED)
    if chat.left:
        raise ApiError(403, "Forbidden: bot is not a member of the " + chat.kind + " chat")
    return chat


def send_message(bot: Bot, params: Params) -> dict[str, object]:
    chat = find_chat(bot, params)
    text = checked_text(params, "text", MAX_TEXT_UNITS)
    return post(bot, chat, params, "text", text, {"text": text})


def checked_text(params: Params, name: str, limit: int) -> str:
    """The text as it will be seen, or the refusal Telegram has for it."""
    text = plain_text(text_of(params, name), text_of(params, "parse_mode")).strip()
    if not text:
        raise bad_request(errors.EMPTY)
    if len(text) * 2 > limit and utf16_units(text) > limit:
        raise bad_request(errors.TOO_LONG)
    return text


def utf16_units(text: str) -> int:
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)


def post(
    bot: Bot, chat: Chat, params: Params, kind: str, text: str, content: dict[str, object]
) -> dict[str, object]:
    """Put a message of the bot on the chat's screen."""
    now = time.time()
    raw: dict[str, object] = {
        "message_id": bot.new_message_id(chat),
        "from": bot.described(),
        "chat": chat.described(),
        "date": int(now),
        **content,
    }
    _reply_to(chat, params, raw)
    markup = json_of(params, "reply_markup")
    if isinstance(markup, dict) and "inline_keyboard" in markup:
        raw["reply_markup"] = markup
    message_id = raw["message_id"]
    assert isinstance(message_id, int)
    source = _source(params, text)
    chat.add(Message(message_id, chat.chat_id, True, kind, [Version(text, now)], raw, source=source))
    return raw


def _source(params: Params, text: str) -> str:
    """The markup, where there is any: the same words in bold are not the same message."""
    written = text_of(params, "text").strip()
    return written if text_of(params, "parse_mode") and written != text else ""


def _reply_to(chat: Chat, params: Params, raw: dict[str, object]) -> None:
    parameters = json_of(params, "reply_parameters")
    if isinstance(parameters, dict):
        target = int_of(parameters, "message_id")
        optional = bool(parameters.get("allow_sending_without_reply"))
    else:
        target, optional = int_of(params, "reply_to_message_id"), False
    if not target:
        return
    original = chat.messages.get(target)
    if original is not None and not original.deleted:
        raw["reply_to_message"] = {k: v for k, v in original.raw.items() if k != "reply_to_message"}
    elif not optional:
        raise bad_request("Bad Request: message to be replied not found")


def edit_message_text(bot: Bot, params: Params) -> dict[str, object]:
    chat = find_chat(bot, params)
    message = chat.messages.get(int_of(params, "message_id"))
    if message is None or message.deleted:
        raise bad_request(errors.EDIT_NOT_FOUND)
    if not message.from_bot or message.kind != "text":
        raise bad_request(errors.NOT_EDITABLE)
    text = checked_text(params, "text", MAX_TEXT_UNITS)
    markup = json_of(params, "reply_markup")
    source = _source(params, text)
    if text == message.text and source == message.source and markup == message.raw.get("reply_markup"):
        raise bad_request(errors.NOT_MODIFIED)
    message.edit(text)
    message.source = source
    message.raw = {**message.raw, "text": text, "edit_date": int(time.time())}
    message.raw.pop("reply_markup", None)
    if isinstance(markup, dict):
        message.raw["reply_markup"] = markup
    return message.raw


def delete_message(bot: Bot, params: Params) -> bool:
    message = find_chat(bot, params).messages.get(int_of(params, "message_id"))
    if message is None or message.deleted:
        raise bad_request(errors.DELETE_NOT_FOUND)
    message.deleted = True
    return True


def send_chat_action(bot: Bot, params: Params) -> bool:
    chat = find_chat(bot, params)
    if not text_of(params, "action"):
        raise bad_request("Bad Request: wrong parameter action in request")
    chat.actions += 1
    return True


def send_photo(bot: Bot, params: Params) -> dict[str, object]:
    chat = find_chat(bot, params)
    stored = _file(bot, params, "photo")
    caption = _caption(params)
    size = {**stored.described(), "width": 640, "height": 480}
    return post(bot, chat, params, "photo", caption, {"photo": [size], "caption": caption})


def send_document(bot: Bot, params: Params) -> dict[str, object]:
    chat = find_chat(bot, params)
    stored = _file(bot, params, "document")
    caption = _caption(params)
    document = {**stored.described(), "file_name": stored.path.rsplit("/", 1)[1]}
    return post(bot, chat, params, "document", caption, {"document": document, "caption": caption})


def _caption(params: Params) -> str:
    caption = plain_text(text_of(params, "caption"), text_of(params, "parse_mode")).strip()
    if utf16_units(caption) > MAX_CAPTION_UNITS:
        raise bad_request(errors.CAPTION_TOO_LONG)
    return caption


def _file(bot: Bot, params: Params, name: str) -> StoredFile:
    """An upload, a file the bot knows, or an address (which is taken at its word)."""
    upload = upload_of(params, name)
    if upload is not None:
        return bot.store_file(name + "s", *upload)
    given = text_of(params, name)
    if given in bot.files:
        return bot.files[given]
    if given.startswith(("http://", "https://")):
        return bot.store_file(name + "s", given.rsplit("/", 1)[1], b"")
    raise bad_request(f"Bad Request: there is no {name} in the request")
