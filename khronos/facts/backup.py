"""How old the newest copy of the database is: Litestream says when it last looked, or its files tell."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from prometheus_client import Metric

from khronos.facts.gauges import gauge

PATIENCE_S = 0.5
ANSWER_MAX = 65536


def backup() -> Iterator[Metric]:
    age_s = backup_age_s()
    if age_s is not None:
        yield gauge("khronos_backup_age_seconds", "Age of the newest copy of the database.", age_s)


def backup_age_s() -> float | None:
    """None where it cannot be known: no Litestream here, or it has never looked."""
    home = Path(settings.KHRONOS_HOME)
    at: datetime | None
    try:
        at = last_sync(home / "run" / "litestream.sock")
    except (OSError, ValueError, LookupError):  # away, or its name was too long for a socket
        at = newest_file(home / "backup" / "litestream")
    return None if at is None else max(0.0, (datetime.now(UTC) - at).total_seconds())


def last_sync(path: Path) -> datetime:
    with socket.socket(socket.AF_UNIX) as litestream:
        litestream.settimeout(PATIENCE_S)
        litestream.connect(str(path))
        litestream.sendall(b"GET /list HTTP/1.0\r\nHost: litestream\r\n\r\n")
        with litestream.makefile("rb") as answer:
            _, _, body = answer.read(ANSWER_MAX).partition(b"\r\n\r\n")
    return min(datetime.fromisoformat(each["last_sync_at"]) for each in json.loads(body)["databases"])


def newest_file(folder: Path) -> datetime | None:
    """Where the copies go to a folder of ours."""
    times = [path.stat().st_mtime for path in folder.rglob("*") if path.is_file()]
    return datetime.fromtimestamp(max(times), UTC) if times else None
