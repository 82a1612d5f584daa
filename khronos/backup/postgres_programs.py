"""PostgreSQL's own programs: found, started with the settings' address, and what their complaints mean."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from khronos.backup import postgres_server as server
from khronos.backup.engine import BackupFailed, Incomplete, NoRoom, Unreachable

POLL_S = 0.2
REASON_MAX = 300  # characters
VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
ENVIRONMENT = {  # libpq's names of them: an argument would show the password to everybody
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}

NO_ROOM = re.compile(r"no space left|disk quota|file too large|disk full", re.I)
AWAY = re.compile(
    r"connection to server|could not connect|server closed the connection|terminating connection|SSL SYSCALL",
    re.I,
)
REFUSED = re.compile(r"permission denied|must be (superuser|owner)|no pg_hba.conf entry", re.I)
OLDER = re.compile(r"server version mismatch|unsupported version", re.I)
FAULTY = re.compile(
    r"could not read|unexpected end of file|did not find magic|not appear to be a valid|corrupt"
    r"|could not uncompress|out of range|could not find block|invalid",
    re.I,
)


def program(name: str, *, exactly: bool = False) -> str:
    """One that is not older than the server: an older one refuses to copy a newer database."""
    wanted = server.major()
    seen = []
    for folder in folders():
        path = folder / name
        if os.access(path, os.X_OK):
            found = major_of(str(path))
            if found == wanted or (found > wanted and not exactly):
                return str(path)
            seen.append(found)
    fix = _("install PostgreSQL %(n)s's programs for clients, or name their folder by POSTGRESQL_BIN")
    if seen:
        raise BackupFailed(
            _("The program %(name)s is of version %(seen)s, and the server of version %(wanted)s.")
            % {"name": name, "seen": max(seen), "wanted": wanted},
            fix % {"n": wanted},
        )
    raise BackupFailed(_("The program %(name)s is missing.") % {"name": name}, fix % {"n": wanted})


def folders() -> Iterator[Path]:
    if settings.POSTGRESQL_BIN:
        yield Path(settings.POSTGRESQL_BIN)
        return
    for name in os.environ.get("PATH", os.defpath).split(os.pathsep):
        yield Path(name)
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@cache
def major_of(path: str) -> int:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
    found = VERSION.search(said.stdout)
    return int(found[1]) if found else 0


def environment() -> dict[str, str]:
    given = server.parameters("")
    known = {theirs: str(given[ours]) for ours, theirs in ENVIRONMENT.items() if given.get(ours)}
    return {**os.environ, **known, "PGAPPNAME": server.APPLICATION, "LC_ALL": "C"}


def follow(
    name: str, *arguments: str, limit_s: float, each: Callable[[], None], env: dict[str, str] | None = None
) -> None:
    """Until it has ended. Nothing of it is left running, whatever happens here."""
    deadline = time.monotonic() + limit_s
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [program(name), *arguments], env=env or environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said,
        )  # fmt: skip
        try:
            while True:
                try:
                    process.wait(POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    each()
                if time.monotonic() > deadline:
                    raise Unreachable(
                        _("%(name)s is not done after %(n)s min.") % {"name": name, "n": round(limit_s / 60)},
                        _("raise BACKUP_CHECK_MAX_MIN, or look at the network"),
                    )
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        if process.returncode:
            raise meant(said.read())


def meant(said: str) -> BackupFailed:
    """Its first complaint, in words that name the fix; the rest mostly follows from it."""
    lines = [line.strip() for line in said.splitlines()]
    complaints = [line for line in lines if "error:" in line or "ERROR:" in line or "FATAL:" in line]
    reason = next(iter(complaints or lines), "?")[:REASON_MAX]
    kinds: tuple[tuple[re.Pattern[str], type[BackupFailed], str, str], ...] = (
        (NO_ROOM, NoRoom, _("The disk is full: %(why)s"), _("make room there")),
        (OLDER, BackupFailed, _("PostgreSQL's programs are too old: %(why)s"),
         _("install those of the server's version, or name their folder by POSTGRESQL_BIN")),
        (REFUSED, BackupFailed, _("PostgreSQL does not permit it: %(why)s"), server.permit(said)),
        (AWAY, Unreachable, _("PostgreSQL does not answer: %(why)s"), server.reach()),
        (FAULTY, Incomplete, _("A copy is damaged or missing: %(why)s"),
         _("take an older copy with --at; `python manage.py backup make` makes a new one")),
    )  # fmt: skip
    for pattern, kind, words, fix in kinds:
        if pattern.search(said):
            return kind(words % {"why": reason}, fix)
    return BackupFailed(reason, server.reach())
