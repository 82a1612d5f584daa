"""The dashboard while what it asks is away: it says so within a second or so, and shows the rest."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bench.patience import free_port, until
from bench.processes import running
from bench.site import valkey as valkey_command
from tests.cluster import Cluster
from tests.integration.started import ROOT, Started
from tests.stopwatch import Stopwatch

QUICK_S = 1.5  # a second, and what two noisy cores add
AGAIN_S = 20.0


class Desk:
    """A web server on a PostgreSQL and a Valkey of its own, and an operator who is signed in."""

    def __init__(self, home: Path, cluster: Cluster, valkey_port: int, valkey: int) -> None:
        self.valkey = valkey
        self.web = Started(home, f"redis://127.0.0.1:{valkey_port}/0", "http://127.0.0.1:1")
        self.web.env |= {**cluster.env, "METRICS_TOKEN": "token"}
        said = subprocess.run(
            [sys.executable, "manage.py", "prepare"],
            cwd=ROOT, env=self.web.env, capture_output=True, text=True, timeout=120, check=True,
        ).stdout  # fmt: skip
        self.cookies: dict[str, str] = {}
        self.login = re.search(r"/login/\S+/", said)[0]  # type: ignore[index]

    def get(self, path: str, cookies: dict[str, str] | None = None) -> tuple[int, bytes, float]:
        jar = self.cookies if cookies is None else cookies
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
        with (
            Stopwatch() as watch,
            closing(http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=30)) as connection,
        ):
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            body = response.read()
            for cookie in response.headers.get_all("Set-Cookie", []):
                name, _, value = cookie.partition(";")[0].partition("=")
                jar[name] = value
        return response.status, body, watch.took_s

    def look(self) -> dict[str, Any]:
        status, body, _took_s = self.get("/dashboard/data")
        assert status == 200
        said: dict[str, Any] = json.loads(body)
        return said

    def says(self, *codes: str) -> bool:
        """All of these, and no other absence."""
        found = {finding["code"] for finding in self.look()["findings"]}
        return {"database_away", "valkey_away"} & found == set(codes)

    def knows(self, *names: str) -> list[bool]:
        """A part that did not answer in time on a busy machine is asked again by the next look."""
        parts = self.look()["parts"]
        return [parts[name]["ok"] for name in names]

    def answers_quickly(self) -> None:
        for path in ("/dashboard", "/dashboard/data", "/dashboard/services", "/dashboard/memory"):
            looks = [self.get(path) for _ in range(2)]
            assert (path, [status for status, *_ in looks]) == (path, [200, 200])
            assert min(took_s for *_, took_s in looks) < QUICK_S, path
            assert self.get(path, {})[0] in (302, 401)
            assert self.get(path, {"sessionid": "made-up", "khronos_desk": "made-up:1:x"})[0] in (
                302,
                401,
                503,
            )


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.made() as made:
        yield made


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[Desk]:
    """One for all: each test mends what it broke."""
    port = free_port()
    home, folder = tmp_path_factory.mktemp("desk"), tmp_path_factory.mktemp("valkey")
    with running(valkey_command(folder, port), os.environ, port, folder / "log") as pid:
        made = Desk(home, cluster, port, pid)
        try:
            made.web.serve()
            assert made.get(made.login)[0] == 302
            assert made.get("/dashboard")[0] == 200
            assert until(lambda: all(part["ok"] for part in made.look()["parts"].values()), AGAIN_S)
            yield made
        finally:
            made.web.end()


@pytest.mark.parametrize("trouble", ["stop", "freeze"])
def test_without_the_database_it_says_so_and_shows_the_rest(
    desk: Desk, cluster: Cluster, trouble: str
) -> None:
    assert desk.says()
    getattr(cluster, trouble)()
    assert until(lambda: desk.says("database_away"), AGAIN_S)
    desk.answers_quickly()
    assert until(lambda: desk.knows("work", "stores", "machine") == [False, True, True], AGAIN_S)
    assert desk.look()["parts"]["work"]["data"] is not None  # old, and marked as old
    {"stop": cluster.start, "freeze": cluster.thaw}[trouble]()
    assert until(lambda: desk.says() and desk.look()["parts"]["work"]["ok"], AGAIN_S)


def test_without_valkey_it_says_so_and_shows_the_rest(desk: Desk) -> None:
    os.kill(desk.valkey, signal.SIGSTOP)
    try:
        assert until(lambda: desk.says("valkey_away"), AGAIN_S)
        desk.answers_quickly()
        assert until(lambda: desk.knows("stores", "work", "hour") == [False, True, True], AGAIN_S)
    finally:
        os.kill(desk.valkey, signal.SIGCONT)
    assert until(desk.says, AGAIN_S)
