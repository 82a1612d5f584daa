"""What changes slowly: the size of the database, and how old its newest copy is."""

from pathlib import Path
from typing import Any

from django.db import connection

from khronos.facts.backup import backup_age_s


def look() -> dict[str, Any]:
    return {
        "database": connection.vendor,
        "database_bytes": database_bytes(),
        "backup_age_s": backup_age_s(),
    }


def database_bytes() -> int:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    name = str(connection.settings_dict["NAME"])
    files = (Path(name + end) for end in ("", "-wal", "-shm"))
    return sum(file.stat().st_size for file in files if file.is_file())
