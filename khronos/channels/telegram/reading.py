"""Reading what Telegram sent without trusting it: typed looks into JSON, cleaned and bounded strings."""

import json
import math
from datetime import UTC, datetime
from typing import Any

import orjson

from khronos.database import storable
from khronos.exceptions import Unreadable

Json = dict[str, Any]

INT64 = 2**63
DEPTH_MAX = 200  # orjson writes 254 levels
TEXT_MAX = 100_000  # Telegram's own limit is 4,096; a self-hosted server may be told otherwise
NAME_MAX = 300
SHORT_MAX = 100


def decode(raw: bytes) -> Any:
    """orjson for the ordinary, the standard library for what it refuses (lone surrogates, NaN)."""
    try:
        return orjson.loads(raw)
    except ValueError:
        pass
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not JSON: {type(error).__name__}") from None
    if is_deep(value):
        raise Unreadable("nested too deep")
    return value


def is_deep(value: Any) -> bool:
    """Deeper than what can be written again; level by level, since recursion is what it guards against."""
    level = [value]
    for _ in range(DEPTH_MAX):
        holders = [item for item in level if isinstance(item, dict | list)]
        if not holders:
            return False
        level = [inner for item in holders for inner in (item.values() if isinstance(item, dict) else item)]
    return True


def is_int(value: object) -> bool:
    return type(value) is int and -INT64 < value < INT64


def mapping(holder: Json, name: str) -> Json | None:
    value = holder.get(name)
    if value is None or isinstance(value, dict):
        return value
    raise Unreadable(f"{name} is no object")


def needed(holder: Json, name: str) -> Json:
    value = mapping(holder, name)
    if value is None:
        raise Unreadable(f"{name} is missing")
    return value


def items(holder: Json, name: str) -> list[Json]:
    value = holder.get(name)
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return value
    raise Unreadable(f"{name} is no list of objects")


def string(holder: Json, name: str, most: int = SHORT_MAX) -> str:
    value = holder.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        return storable(value[:most])
    raise Unreadable(f"{name} is no text")


def flag(holder: Json, name: str) -> bool:
    value = holder.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise Unreadable(f"{name} is no boolean")


def number(holder: Json, name: str) -> int | None:
    value = holder.get(name)
    if value is None or is_int(value):
        return value
    raise Unreadable(f"{name} is no whole number")


def decimal(holder: Json, name: str) -> float | None:
    value = holder.get(name)
    if value is None:
        return None
    if is_int(value) or (isinstance(value, float) and math.isfinite(value)):
        return float(value)
    raise Unreadable(f"{name} is no number")


def identifier(holder: Json, name: str = "id") -> str:
    value = number(holder, name)
    if value is None:
        raise Unreadable(f"{name} is missing")
    return str(value)


def moment(holder: Json, name: str) -> datetime | None:
    """A date outside of the calendar is no reason to lose the message."""
    seconds = number(holder, name)
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
