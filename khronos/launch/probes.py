"""How the supervisor sees that a process is up, and that it still lives."""

import contextlib
import http.client
import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from khronos.launch.home import Home


def of(kind: str, settings: Mapping[str, str]) -> Callable[[], bool] | None:
    if kind == "valkey":
        port = int(settings["VALKEY_PORT"])
        return lambda: accepts("127.0.0.1", port)
    if kind == "web":
        host, port = reach(settings.get("KHRONOS_HOST", "")), int(settings["PORT"])
        return lambda: accepts(host, port)
    return None


def reach(host: str) -> str:
    """The address to call for one to listen on."""
    return "127.0.0.1" if host in ("", "0.0.0.0", "::") else host  # noqa: S104


def accepts(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=0.5):
        return True
    return False


def pulse(home: Home, name: str) -> Callable[[], object]:
    """A process beats by touching this file (khronos/observability/heartbeat.py)."""
    path: Path = home.run / "heartbeats" / name

    def last_beat() -> object:
        with contextlib.suppress(OSError):
            return path.stat().st_mtime_ns
        return None

    return last_beat


def ready(host: str, port: int, token: str) -> dict[str, Any] | None:
    """None when /ready says 200; else what it says, `{}` where nobody answers."""
    connection = http.client.HTTPConnection(host, port, timeout=1.5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        connection.request("GET", "/ready", headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        said = json.loads(response.read())
        return None if response.status == 200 else said if isinstance(said, dict) else {}
    return {}
