"""A database as the migrations make it: longer work than the rest of a first start. Made once."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def give(home: Path, env: Mapping[str, str]) -> None:
    """To a home that is not there yet, and has no other database; `up` brings it up to date as any other."""
    if "DATABASE_URL" in env or home.exists():
        return
    home.mkdir(mode=0o700, parents=True)
    shutil.copyfile(made(env["PATH"]), home / "khronos.sqlite3")


@cache
def made(path: str) -> Path:
    folder = tempfile.mkdtemp(prefix="khronos-migrated-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    env = {"PATH": path, "KHRONOS_HOME": folder, "KHRONOS_DOTENV": os.devnull}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], env=env, cwd=ROOT, check=True)
    return Path(folder) / "khronos.sqlite3"
