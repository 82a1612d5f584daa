"""A real process whose database, Redis and start fail tells of it in the log files, and of no secret."""

import os
import subprocess
import sys
from pathlib import Path

from bench.patience import free_ports

DATABASE, REDIS, KEY = "canary-database-password", "canary-redis-password", "canary-signing-key"
RUN = """
import os, sys
from khronos.observability import formats
if os.environ.get("UNSCRUBBED"):
    formats.scrub = lambda text: text
    formats.are_harmless = lambda values: True
import django
from django.conf import settings
django.setup()
import logging, threading
from django.db import connection
from khronos.bus.connection import patient
log = logging.getLogger("khronos.test")
for ask in (connection.ensure_connection, patient().ping):
    try:
        ask()
    except Exception as error:
        log.exception("cannot ask %s", os.environ["DATABASE_URL"], extra={"redis": settings.REDIS_URL})
def crash():
    raise RuntimeError(f"a thread with {settings.SECRET_KEY}")
thread = threading.Thread(target=crash)
thread.start()
thread.join()
raise RuntimeError(f"a crash with {settings.SECRET_KEY} and {dict(os.environ)}")
"""


def told(home: Path, **env: str) -> dict[str, str]:
    """The log files, and what was printed where the supervisor keeps it."""
    (home / "logs").mkdir()
    (port,) = free_ports(1)
    given = {
        "PATH": os.environ["PATH"],
        "KHRONOS_HOME": str(home),
        "KHRONOS_DOTENV": os.devnull,
        "KHRONOS_PROCESS": "web",
        "DJANGO_SETTINGS_MODULE": "settings.embedded",
        "DATABASE_URL": f"postgresql://khronos:{DATABASE}@127.0.0.1:{port}/khronos",
        "REDIS_URL": f"redis://:{REDIS}@127.0.0.1:{port}/0",
        "SECRET_KEY": KEY,
    }
    with (home / "logs" / "web.log").open("wb") as printed:
        command = [sys.executable, "-c", RUN]
        code = subprocess.run(
            command, env=given | env, stdout=printed, stderr=printed, timeout=60, check=False
        )
    assert code.returncode == 1
    return {path.stem: path.read_text() for path in (home / "logs").iterdir()}


def test_no_secret_is_in_any_file(tmp_path: Path) -> None:
    files = told(tmp_path)
    assert set(files) == {"combined", "error", "critical", "web"}
    assert [len(files[name].splitlines()) for name in ("error", "critical", "web")] == [4, 1, 1]
    assert "RuntimeError: a crash with [secret]" in files["critical"] == files["web"]
    assert "a thread with [secret]" in files["error"]
    assert not [
        (name, secret) for name in files for secret in (DATABASE, REDIS, KEY) if secret in files[name]
    ]


def test_without_scrubbing_each_would_be_found(tmp_path: Path) -> None:
    files = told(tmp_path, UNSCRUBBED="1")
    for secret in (DATABASE, REDIS, KEY):
        assert [name for name in ("combined", "error", "critical", "web") if secret not in files[name]] == []
