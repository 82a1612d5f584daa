"""Telegram, spoken directly: see docs/telegram.md.

identity.py   the key of an update, for intake; never fails
parse.py      an update in our words, for the dispatcher
api.py        the Bot API
transport.py  how answers leave
files.py      what people sent
"""

from khronos.channels.base import Account, Identity, Incoming, Kind, Transport
from khronos.channels.telegram.api import BotApi, Fetched
from khronos.channels.telegram.identity import identify
from khronos.channels.telegram.parse import parse
from khronos.channels.telegram.transport import TelegramTransport

__all__ = ["KIND", "BotApi", "Fetched", "TelegramTransport"]


class Telegram:
    def identify(self, raw: bytes) -> Identity:
        return identify(raw)

    def parse(self, raw: bytes, account: Account) -> Incoming:
        return parse(raw, account)

    def transport(self, account: Account) -> Transport:
        return TelegramTransport(account)


KIND: Kind = Telegram()
