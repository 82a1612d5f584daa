"""The table of the Bot API's methods. Names are compared without regard to case, as the real server does."""

from collections.abc import Callable

from bench.simulator.telegram import account, sending
from bench.simulator.telegram.bot import Bot
from bench.simulator.telegram.params import Params

type Method = Callable[[Bot, Params], object]

METHODS: dict[str, Method] = {
    "answerCallbackQuery": account.answer_callback_query,
    "deleteMessage": sending.delete_message,
    "editMessageText": sending.edit_message_text,
    "getChat": account.get_chat,
    "getFile": account.get_file,
    "getMe": account.get_me,
    "getMyCommands": account.get_my_commands,
    "getWebhookInfo": account.get_webhook_info,
    "leaveChat": account.leave_chat,
    "sendChatAction": sending.send_chat_action,
    "sendDocument": sending.send_document,
    "sendMessage": sending.send_message,
    "sendPhoto": sending.send_photo,
    "setMyCommands": account.set_my_commands,
}

# These touch the delivery of updates, and are done by the service itself.
DELIVERY = ("getUpdates", "setWebhook", "deleteWebhook")

CANONICAL = {name.lower(): name for name in (*METHODS, *DELIVERY)}
