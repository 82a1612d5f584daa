"""How the supervisor sees that a process is up, and that it still lives."""

import contextlib
import http.client
import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from khronos.launch.home import Home
from khronos.launch.ports import DEFAULTS


def of(kind: str, settings: Mapping[str, str]) -> Callable[[], bool] | None:
    if kind == "valkey":
        port = int(settings["VALKEY_PORT"])
        return lambda: accepts("127.0.0.1", port)
    if kind == "web":
        host, port = here(settings)
        return lambda: accepts(host, port)
    if kind == "embedder":
        inner = int(settings["EMBEDDER_PORT"])
        return lambda: accepts("127.0.0.1", inner)
    return None


def here(known: Mapping[str, str]) -> tuple[str, int]:
    """Host and port at which this machine calls its own web server."""
    return reach(known.get("KHRONOS_HOST", "")), int(known.get("PORT") or DEFAULTS["PORT"])


def address(known: Mapping[str, str]) -> str:
    host, port = here(known)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def reach(host: str) -> str:
    """The address to call for one to listen on."""
    return "127.0.0.1" if host in ("", "0.0.0.0", "::") else host  # noqa: S104


def accepts(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=0.5):
        return True
    return False


def pulse(kind: str, name: str, home: Home, settings: Mapping[str, str]) -> Callable[[], object]:
    if kind == "web":
        return health_of(*here(settings))
    if kind == "embedder":
        return health_of("127.0.0.1", int(settings["EMBEDDER_PORT"]))
    return file_of(home.run / "heartbeats" / name)


def file_of(path: Path) -> Callable[[], object]:
    """A process beats by touching this file (khronos/observability/heartbeat.py)."""

    def last_beat() -> object:
        with contextlib.suppress(OSError):
            return path.stat().st_mtime_ns
        return None

    return last_beat


def health_of(host: str, port: int) -> Callable[[], object]:
    """The web server has no loop of its own to beat from: how often /health said 200 until now."""
    answers = [0]

    def count() -> object:
        if get(host, port, "/health", timeout_s=2.0)[0] == 200:
            answers[0] += 1
        return answers[0] or None

    return count


def ready(host: str, port: int, token: str) -> dict[str, Any] | None:
    """None when /ready says 200; else what it says, `{}` where nobody answers."""
    status, body = get(host, port, "/ready", timeout_s=1.5, Authorization=f"Bearer {token}")
    if status == 200:
        return None
    with contextlib.suppress(ValueError):
        said = json.loads(body)
        return said if isinstance(said, dict) else {}
    return {}


def get(host: str, port: int, path: str, timeout_s: float, **headers: str) -> tuple[int, bytes]:
    """Status 0 where nobody answers."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    return 0, b""
