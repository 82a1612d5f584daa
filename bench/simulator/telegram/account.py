"""Methods about the bot itself and the chats it is in."""

from bench.simulator.telegram import errors
from bench.simulator.telegram.bot import Bot
from bench.simulator.telegram.errors import bad_request
from bench.simulator.telegram.params import Params, int_of, json_of
from bench.simulator.telegram.sending import find_chat

MAX_FILE_BYTES = 20 * 1024 * 1024  # what a bot is given


def get_me(bot: Bot, params: Params) -> dict[str, object]:
    return {
        **bot.described(),
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
    }


def get_webhook_info(bot: Bot, params: Params) -> dict[str, object]:
    info: dict[str, object] = {
        "url": bot.webhook.url if bot.webhook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(bot.pending),
    }
    if bot.allowed_updates:
        info["allowed_updates"] = sorted(bot.allowed_updates)
    if bot.webhook is not None:
        info["max_connections"] = bot.webhook.max_connections
        info["ip_address"] = "127.0.0.1"
        if bot.webhook.last_error_at is not None:
            info["last_error_date"] = bot.webhook.last_error_at
            info["last_error_message"] = bot.webhook.last_error
    return info


def set_my_commands(bot: Bot, params: Params) -> bool:
    commands = json_of(params, "commands")
    if not isinstance(commands, list):
        raise bad_request('Bad Request: parameter "commands" is required')
    bot.commands[str(params.get("language_code", ""))] = commands
    return True


def get_my_commands(bot: Bot, params: Params) -> list[object]:
    return bot.commands.get(str(params.get("language_code", "")), [])


def get_chat(bot: Bot, params: Params) -> dict[str, object]:
    chat = find_chat(bot, params)
    return {**chat.described(), "accent_color_id": 0, "max_reaction_count": 11}


def leave_chat(bot: Bot, params: Params) -> bool:
    chat = find_chat(bot, params)
    if chat.kind == "private":
        raise bad_request("Bad Request: chat member status can't be changed in private chats")
    chat.left = True
    return True


def answer_callback_query(bot: Bot, params: Params) -> bool:
    query_id = str(params.get("callback_query_id", ""))
    if query_id not in bot.open_queries:
        raise bad_request(errors.QUERY_TOO_OLD)
    bot.open_queries.discard(query_id)
    return True


def allowed_of(params: Params) -> frozenset[str] | None:
    """The list given with setWebhook or getUpdates; None leaves the earlier one in force."""
    if "allowed_updates" not in params:
        return None
    value = json_of(params, "allowed_updates")
    return frozenset(str(kind) for kind in value) if isinstance(value, list) else frozenset()


def connections_of(params: Params) -> int:
    return min(100, max(1, int_of(params, "max_connections", 40)))


def get_file(bot: Bot, params: Params) -> dict[str, object]:
    stored = bot.files.get(str(params.get("file_id", "")))
    if stored is None:
        raise bad_request("Bad Request: invalid file_id")
    if stored.size > MAX_FILE_BYTES:
        raise bad_request("Bad Request: file is too big")
    if stored.content is None:
        raise bad_request("Bad Request: wrong file_id or the file is temporarily unavailable")
    return {**stored.described(), "file_path": stored.path}
