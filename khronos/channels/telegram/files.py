"""What people sent: getFile says where it lies, the file address gives it (docs/media.md)."""

from typing import Any

from khronos.channels.telegram.api import BotApi, known
from khronos.channels.telegram.errors import result_of
from khronos.exceptions import (
    Failure,
    Misconfigured,
    Oversized,
    Permanent,
    Transient,
    Unauthorized,
    Vanished,
)
from khronos.http.inlet import Sink

TOO_BIG = "file is too big"
LOCAL = (
    "the Bot API server runs with --local and names a path on its own disk. Fix: start it without --local."
)


def fetch(api: BotApi, file_id: str, most_bytes: int, sink: Sink) -> None:
    path, size = place_of(api, file_id, most_bytes)
    count = 0

    def counting(piece: bytes) -> None:
        nonlocal count
        count += len(piece)
        sink(piece)

    reply = api.download(path, most_bytes, counting)
    if reply.status == 200:
        if size not in (None, count):  # a proxy's own page, as like as not
            raise Transient(f"file: {count:,} bytes of {size:,}")
        return
    if reply.status in (400, 404):  # the token was right a moment ago
        raise Vanished(f"file: {reply.status}")
    result_of("file", reply, repeatable=True)
    raise Transient(f"file: {reply.status}, and no file")


def place_of(api: BotApi, file_id: str, most_bytes: int) -> tuple[str, int | None]:
    """Its path and its size, where that is said."""
    try:
        file: dict[str, Any] = known(api.call("getFile", file_id=file_id), dict)
    except Permanent as error:
        raise meant(error) from None
    size, path = file.get("file_size"), file.get("file_path")
    if type(size) is int and size > most_bytes:
        raise Oversized(f"getFile: {size:,} bytes")
    if not isinstance(path, str) or not path:
        raise Vanished("getFile: no path")
    if path.startswith("/") or ":\\" in path:
        raise Misconfigured(LOCAL)
    if ".." in path.split("/"):
        raise Permanent("getFile: a path that leads elsewhere")
    return path, size if type(size) is int else None


def meant(error: Failure) -> Failure:
    """A file that nobody knows any more is a bad request, as one that is too big is."""
    if TOO_BIG in str(error):
        return Oversized(str(error))
    return error if isinstance(error, Unauthorized) else Vanished(str(error))
