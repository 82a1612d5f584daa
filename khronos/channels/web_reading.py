"""The web channel's JSON, read without trust."""

import json
from typing import Any

from khronos.database import storable
from khronos.exceptions import Unreadable


def load(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:  # numbers too long and nests too deep among them
        raise Unreadable(f"not JSON: {type(error).__name__}") from None
    if not isinstance(body, dict):
        raise Unreadable(f"not an object but {type(body).__name__}")
    return body


def clean(value: Any, limit: int) -> str:
    return storable(value)[:limit] if isinstance(value, str) else ""
