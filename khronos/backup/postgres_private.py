"""A PostgreSQL server of our own, which nobody else reaches: a base backup brought forward to a moment."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
from django.conf import settings
from django.utils.translation import gettext as _
from psycopg.conninfo import make_conninfo

from khronos.backup import postgres_programs as programs
from khronos.backup import postgres_server as server
from khronos.backup.engine import Incomplete, NoRoom, Unreachable
from khronos.backup.postgres_journal import AtHand

POLL_S = 0.1
STOP_S = 10.0
EARLY = "recovery ended before configured recovery target"
CONFIG = """
listen_addresses = ''
unix_socket_directories = '{folder}'
restore_command = 'cp "{journal}/%f" "%p" 2>/dev/null || cp "{journal}/%f.partial" "%p" 2>/dev/null'
recovery_target_action = 'promote'
recovery_target_time = '{at}'
hot_standby = off
fsync = off
autovacuum = off
"""
# The number of the journal's end is known only to the server that reads it.
REACHED = "SELECT pg_last_xact_replay_timestamp(), pg_current_wal_lsn()::text"


@dataclass(frozen=True, slots=True)
class Reached:
    folder: Path  # of its socket
    at: datetime
    position: str


def folder() -> Path:
    """A short name: that of a socket has 103 bytes at most. And whoever serves root has to get there."""
    number = zlib.crc32(os.fsencode(Path(settings.KHRONOS_HOME).absolute()))
    return Path(tempfile.gettempdir()) / f"khronos-{os.getuid()}-{number:08x}"


def data() -> Path:
    home = folder() if is_root() else Path(settings.BACKUP_FOLDER).absolute() / "scratch"
    return home / "server"


def is_root() -> bool:
    return os.geteuid() == 0


def servant() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root."""
    for name in ("postgres", "nobody") if is_root() else ():
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return None


@contextlib.contextmanager
def brought_to(base: AtHand, at: datetime | None) -> Iterator[Reached]:
    """What a killed life left goes before, and all of it afterwards."""
    program = programs.program("postgres", exactly=True)
    clear()
    try:
        unpack(base)
        process = None
        try:
            process, reached = started(program, base, at)
            yield reached
        finally:
            if process is not None:
                stop(process)
    except OSError as error:
        raise NoRoom(
            _("The copy cannot be unpacked: %(why)s") % {"why": error}, _("make room there")
        ) from None
    finally:
        clear()


def clear() -> None:
    with contextlib.suppress(OSError, ValueError, psutil.Error):
        left = psutil.Process(int((data() / "postmaster.pid").read_text().splitlines()[0]))
        if str(data()) in left.cmdline():
            left.kill()
            left.wait(STOP_S)
    for each in (data(), folder()):
        if each.is_dir():
            shutil.rmtree(each)


def unpack(base: AtHand) -> None:
    archives = sorted(base.folder.glob("*.tar.gz"))
    if [file.name for file in archives] != ["base.tar.gz"]:
        raise Incomplete(
            _("A copy is damaged or missing: %(why)s") % {"why": ", ".join(file.name for file in archives)},
            _("tablespaces are not supported; `python manage.py backup make` makes a new copy"),
        )
    folder().mkdir(mode=0o700)
    data().mkdir(mode=0o700, parents=True)
    try:
        with tarfile.open(archives[0]) as archive:
            archive.extractall(data(), filter="data")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise Incomplete(
            _("A copy is damaged or missing: %(why)s") % {"why": error},
            _("take an older copy with --at; `python manage.py backup make` makes a new one"),
        ) from None


def started(program: str, base: AtHand, at: datetime | None) -> "tuple[subprocess.Popen[bytes], Reached]":
    configure(base, at)
    process = launched(program)
    try:
        return process, wait_for(process, base)
    except Early:
        return started(program, base, None)  # it has no later commit: all of the journal is the moment's
    except BaseException:
        stop(process)
        raise


def configure(base: AtHand, at: datetime | None) -> None:
    journal = base.journal
    if servant() is not None:
        journal = folder() / "journal"
        shutil.copytree(base.journal, journal, dirs_exist_ok=True)
    config = CONFIG.format(folder=folder(), journal=journal, at=at.isoformat() if at else "")
    (data() / "khronos.conf").write_text(config)
    (data() / "khronos_hba.conf").write_text("local all all trust\n")  # its socket's folder is ours alone
    (data() / "postgresql.auto.conf").write_text("")
    (data() / "recovery.signal").touch()
    hand_over()


def launched(program: str) -> "subprocess.Popen[bytes]":
    files = [
        ("config_file", data() / "khronos.conf"),
        ("hba_file", data() / "khronos_hba.conf"),
        ("ident_file", ""),
    ]
    command = [
        program,
        "-D",
        str(data()),
        *(word for name, file in files for word in ("-c", f"{name}={file}")),
    ]
    with (data() / "khronos.log").open("wb") as log:
        return subprocess.Popen(
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
            env=os.environ | {"LC_ALL": "C"}, **identity(),
        )  # fmt: skip


class Early(Exception):
    """The journal ends before the moment."""


def wait_for(process: "subprocess.Popen[bytes]", base: AtHand) -> Reached:
    deadline = time.monotonic() + settings.BACKUP_CHECK_MAX.total_seconds()
    parameters = server.parameters(server.live()) | {"host": str(folder()), "port": 5432}
    while process.poll() is None:
        with contextlib.suppress(psycopg.OperationalError):
            with psycopg.connect(**parameters) as found:
                at, position = found.execute(REACHED).fetchone() or (None, "")
            return Reached(folder(), (at or base.at).astimezone(UTC), position)
        if time.monotonic() > deadline:
            raise Unreachable(
                _("The restore is not done after %(n)s min.")
                % {"n": round(settings.BACKUP_CHECK_MAX.total_seconds() / 60)},
                _("raise BACKUP_CHECK_MAX_MIN, or look at the network"),
            )
        time.sleep(POLL_S)
    said = (data() / "khronos.log").read_text("utf-8", "replace")
    if EARLY in said:
        raise Early
    raise programs.meant(said)


@contextlib.contextmanager
def dump_of(reached: Reached, place: str) -> Iterator[Path]:
    """What the server of ours has, for the one in use."""
    file = Path(settings.BACKUP_FOLDER) / "scratch" / "restored.dump"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    there = {"PGHOST": str(reached.folder), "PGPORT": "5432", "PGSSLMODE": "prefer"}
    try:
        programs.follow(
            "pg_dump", "--format=custom", "--compress=0", f"--file={file}",
            f"--dbname={make_conninfo(dbname=place)}", limit_s=settings.BACKUP_CHECK_MAX.total_seconds(),
            each=lambda: None, env=programs.environment() | there,
        )  # fmt: skip
        yield file
    finally:
        file.unlink(missing_ok=True)


def hand_over() -> None:
    if user := servant():
        for each in (folder(), *folder().rglob("*")):
            os.chown(each, user.pw_uid, user.pw_gid, follow_symlinks=False)


def identity() -> dict[str, Any]:
    user = servant()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
