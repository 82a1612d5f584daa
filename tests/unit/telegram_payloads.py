"""Updates as Telegram sends them, and a bot that reads them."""

import json
from pathlib import Path
from typing import Any

from khronos.channels.base import Account, Incoming
from khronos.channels.telegram import KIND

FOLDER = Path(__file__).parent.parent / "payloads"
PAYLOADS = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.json"))}
ACCOUNT = Account("default", token="424242:simulated-token", username="khronos_bot")
ANA = "5501234567"
GROUP = "-1001987654321"


def parsed(name: str, account: Account = ACCOUNT) -> Incoming:
    return KIND.parse(PAYLOADS[name], account)


def of(**message: Any) -> bytes:
    """A text in a private chat, changed as given."""
    base = {"message_id": 1, "date": 1_790_000_000, "chat": {"id": 7, "type": "private"}, "from": {"id": 7}}
    return json.dumps({"update_id": 1, "message": base | message}).encode()
