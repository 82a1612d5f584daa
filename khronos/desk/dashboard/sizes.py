"""What changes slowly: the size of the database, and how old its newest copy is."""

import http.client
import json
import socket
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

PATIENCE_S = 0.3


def look() -> dict[str, Any]:
    return {
        "database": connection.vendor,
        "database_bytes": database_bytes(),
        "backup_age_s": backup_age_s(Path(settings.KHRONOS_HOME) / "run" / "litestream.sock"),
    }


def database_bytes() -> int:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    name = str(connection.settings_dict["NAME"])
    files = (Path(name + end) for end in ("", "-wal", "-shm"))
    return sum(file.stat().st_size for file in files if file.is_file())


def backup_age_s(address: Path) -> float | None:
    """Since Litestream last brought everything into its copy; None where nobody tells."""
    with suppress(OSError, http.client.HTTPException, ValueError, LookupError):
        synced = [datetime.fromisoformat(each["last_sync_at"]) for each in told_by_litestream(address)]
        return round((datetime.now(UTC) - min(synced)).total_seconds(), 1)
    return None


def told_by_litestream(address: Path) -> list[dict[str, Any]]:
    with closing(http.client.HTTPConnection("litestream", timeout=PATIENCE_S)) as asked:
        asked.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        asked.sock.settimeout(PATIENCE_S)
        asked.sock.connect(str(address))
        asked.request("GET", "/list")
        found: list[dict[str, Any]] = json.loads(asked.getresponse().read())["databases"]
        return found
