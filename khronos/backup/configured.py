"""Litestream as the settings want it. Its file holds no secret: those stay in the environment."""

import json
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

MONITOR_EVERY_S = 0.5  # Litestream looks for changes so often: a moment can be restored to within that
LONGEST_SOCKET = 103  # bytes; the shortest limit for the name of a socket, macOS's
FORGET_EVERY = timedelta(minutes=5)  # by default it lists a bucket for that four times a minute
REGION = re.compile(
    r"s3[.-]([a-z]+-[a-z]+-\d+)\."
)  # s3.us-west-004.backblazeb2.com, s3-eu-west-1.amazonaws.com


def socket() -> Path:
    return Path(settings.KHRONOS_HOME).absolute() / "run" / "litestream.sock"


def has_socket() -> bool:
    return len(os.fsencode(socket())) <= LONGEST_SOCKET


def whole_wanted() -> Path:
    """A file that asks for a whole new copy at the next start (khronos/launch/litestream.py)."""
    return socket().with_name("whole.wanted")


def folder() -> Path:
    """Where copies go without a URL."""
    return Path(settings.BACKUP_FOLDER) / "litestream"


def litestream_yml(database: str) -> str:
    """JSON is YAML: nothing needs escaping."""
    copied = {
        "path": os.path.abspath(database),
        "monitor-interval": span(timedelta(seconds=MONITOR_EVERY_S)),
        "replica": {**replica(), "sync-interval": span(timedelta(seconds=settings.BACKUP_SYNC_S))},
    }
    config = {
        "dbs": [copied],
        "snapshot": {
            "interval": span(settings.BACKUP_WHOLE_EVERY),
            "retention": span(settings.BACKUP_KEPT),
        },
        "l0-retention": span(max(settings.BACKUP_FINE, FORGET_EVERY)),
        "l0-retention-check-interval": span(FORGET_EVERY),
        "socket": {"enabled": has_socket(), "path": str(socket())},
        "logging": {"level": "info", "type": "json", "stderr": True},
    }
    return "# Made by `make up`.\n" + json.dumps(config, indent=2) + "\n"


def replica() -> dict[str, Any]:
    if not settings.BACKUP_REPLICA_URL:
        return {"type": "file", "path": str(folder())}
    where: dict[str, Any] = {"url": settings.BACKUP_REPLICA_URL}
    if endpoint := settings.BACKUP_ENVIRONMENT.get("AWS_ENDPOINT_URL"):
        where |= {"endpoint": endpoint, "force-path-style": True}
    if named := region():
        where["region"] = named
    return where


def region() -> str | None:
    """A signature names it, and Backblaze refuses one with another region's name."""
    given = settings.BACKUP_ENVIRONMENT
    found = REGION.match(urlsplit(given.get("AWS_ENDPOINT_URL") or "").hostname or "")
    return given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION") or (found[1] if found else None)


def span(length: timedelta) -> str:
    return f"{round(length.total_seconds() * 1000)}ms"


def environment() -> dict[str, str]:
    """For Litestream's commands, as the supervisor gives it to Litestream itself."""
    env = {**os.environ, **settings.BACKUP_ENVIRONMENT}
    env.pop("AWS_CA_BUNDLE", None)
    return env
