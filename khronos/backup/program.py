"""The program litestream: its commands, its socket, and what its complaints mean."""

import http.client
import json
import os
import re
import shutil
import socket as sockets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from khronos.backup import configured
from khronos.backup.engine import BackupFailed, Incomplete, NoCopy, NoRoom, Unreachable

type Answer = Any  # JSON

BESIDE = os.path.dirname(sys.executable)  # where deploy/bootstrap puts it
POLL_S = 0.1
MEMORY = "192MiB"  # what Go tries to stay below
REASON_MAX = 300  # characters

NO_COPY = re.compile(r"no matching backup|no backups? found|timestamp does not exist|NoSuchBucket", re.I)
WRONG_KEY = re.compile(
    r"AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|Forbidden|StatusCode: 40[13]|permission denied",
    re.I,
)
NO_ROOM = re.compile(r"no space left|disk quota|file too large", re.I)
AWAY = re.compile(
    r"connection refused|no such host|i/o timeout|deadline exceeded|connection reset|StatusCode: (0|5\d\d)",
    re.I,
)
FAULTY = re.compile(
    r"checksum|decode|ltx|EOF|lz4|page|contiguous|no such file|StatusCode: 404|NoSuchKey", re.I
)


def path() -> str:
    found = shutil.which("litestream", path=os.pathsep.join([BESIDE, os.environ.get("PATH", os.defpath)]))
    if found is None:
        raise BackupFailed(_("The program litestream is missing."), _("`deploy/bootstrap` installs it"))
    return found


def run(command: str, *arguments: str, timeout_s: float) -> str:
    with config(arguments[-1]) as file:
        line = [path(), command, "-config", file, "-no-expand-env", *arguments]
        try:
            done = subprocess.run(
                line, env=environment(), capture_output=True, text=True, timeout=timeout_s, check=False
            )
        except subprocess.TimeoutExpired:
            raise Unreachable(
                _("Where the copies lie does not answer (waited %(n)s s).") % {"n": round(timeout_s)},
                _("look at its network and its state"),
            ) from None
    if done.returncode:
        raise meant(done.stderr)
    return done.stdout


def answer(command: str, *arguments: str, timeout_s: float) -> Answer:
    try:
        return json.loads(run(command, *arguments, timeout_s=timeout_s))
    except ValueError:
        raise BackupFailed(_("Litestream answers in a way that is not known."), again()) from None


def follow(command: str, *arguments: str, limit_s: float, each: Callable[[], None]) -> None:
    """One that takes long. Nothing of it is left running, whatever happens here."""
    deadline = time.monotonic() + limit_s
    with config(arguments[-1]) as file, tempfile.TemporaryFile("w+") as said:
        line = [path(), command, "-config", file, "-no-expand-env", *arguments]
        process = subprocess.Popen(line, env=environment(), stdout=subprocess.DEVNULL, stderr=said)
        try:
            while process.poll() is None:
                if time.monotonic() > deadline:
                    raise Unreachable(
                        _("The restore is not done after %(n)s min.") % {"n": round(limit_s / 60)},
                        _("raise BACKUP_CHECK_MAX_MIN, or look at the network"),
                    )
                each()
                time.sleep(POLL_S)
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        if process.returncode:
            raise meant(said.read())


@contextmanager
def config(database: str) -> Iterator[str]:
    """As the settings are now: also where nothing was ever started."""
    with tempfile.NamedTemporaryFile("w", prefix="khronos-litestream-", suffix=".yml") as file:
        file.write(configured.litestream_yml(database))
        file.flush()
        yield file.name


def environment() -> dict[str, str]:
    return configured.environment() | {"GOMEMLIMIT": MEMORY}


def meant(said: str) -> BackupFailed:
    """Its last complaint, in words that name the fix."""
    lines = [line for line in said.splitlines() if line.strip()]
    complaints = [line for line in lines if not line.startswith("{")] or lines
    reason = complaints[-1].removeprefix("Error: ")[:REASON_MAX] if complaints else "?"
    if NO_ROOM.search(reason):
        return NoRoom(_("The disk is full: %(why)s") % {"why": reason}, _("make room there"))
    if NO_COPY.search(reason):
        return NoCopy(
            _("There is no such copy: %(why)s") % {"why": reason},
            _("`python manage.py backup list` shows what there is; see that LITESTREAM_REPLICA_URL is right"),
        )
    if WRONG_KEY.search(reason):
        return Unreachable(
            _("Where the copies lie refuses us: %(why)s") % {"why": reason},
            _("correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the permissions of the folder"),
        )
    if AWAY.search(reason):
        return Unreachable(
            _("Where the copies lie does not answer: %(why)s") % {"why": reason},
            _("look at its network and its state"),
        )
    if FAULTY.search(reason):
        return Incomplete(
            _("A copy is damaged or missing: %(why)s") % {"why": reason},
            _("take an older moment with --at; `python manage.py backup verify` has a whole new copy made"),
        )
    return BackupFailed(reason, again())


def again() -> str:
    return _("KHRONOS_HOME/logs/litestream.log may say more")


class Socket(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = sockets.socket(sockets.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(configured.socket()))


def sync(database: str, timeout_s: float) -> None:
    """The running Litestream is told to bring away what is there now, and waited for.

    Its answer names as the newest what was written while it waited, too: that need not have arrived.
    """
    deadline = time.monotonic() + timeout_s
    said = told_to_sync(database, timeout_s)
    there_now = said["txid"]
    while said["replicated_txid"] < there_now:
        time.sleep(POLL_S)
        if (left_s := deadline - time.monotonic()) <= 0:
            raise Unreachable(_("Copies do not arrive."), again())
        said = told_to_sync(database, left_s)


def told_to_sync(database: str, timeout_s: float) -> Answer:
    body = json.dumps({"path": database, "wait": True, "timeout": max(1, int(timeout_s))})
    connection = Socket("litestream", timeout=timeout_s + 0.5)
    try:
        connection.request("POST", "/sync", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        said = json.loads(response.read())
    except (TimeoutError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(_("Litestream does not answer: %(why)s") % {"why": error}, again()) from None
    except OSError:
        raise BackupFailed(
            _("Litestream is not running."), _("`make ps` shows what runs; `make up` starts it")
        ) from None
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise meant(str(said.get("error", said)))
    return said


def notes(database: str) -> Path:
    """What Litestream keeps beside the database: how far it has come."""
    file = Path(database)
    return file.with_name(f".{file.name}-litestream")


def newest_change(database: str) -> str:
    """The position that it has noted; empty before its first."""
    changes = (notes(database) / "ltx" / "0").glob("*.ltx")
    return max((name.stem.partition("-")[2] for name in changes), default="")
