"""A suspended machine, cut cables, leaks, hanging threads: all heals by itself, and costs no message."""

import asyncio
import http.client
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bench.instance import Instance
from bench.patience import free_ports, until
from bench.simulator import Simulator
from tests.acceptance.conftest import EDIT, SHORT_LEASES, house
from tests.acceptance.grown import OnPostgresql
from tests.acceptance.stage import Stage, clean, exact, figures
from tests.cluster import Cluster
from tests.valkey import start_valkey

SUSPEND_S = float(os.environ.get("SUSPEND_S", "20"))  # longer than a lease, and than SILENCE_S
CUT_S = 20
HEALED_S = 60
LOOK_S = 12  # the supervisor looks at memory and signs of life every five seconds
PATIENCE_S = 40  # twice that of tools, the longest of those that are set below

# What follows is done inside of one process of an instance: Python imports it first, wherever it is found.
INSIDE = """
import os, sys, threading, time
def wait_for_order():
    while not os.path.exists({order!r}):
        time.sleep(0.1)
    os.unlink({order!r})
{body}
if os.environ.get("KHRONOS_PROCESS") == {name!r} and "manage.py" in sys.orig_argv:
    threading.Thread(target=do, daemon=True).start()
"""
LEAKS = """
def do():
    wait_for_order()
    kept = b"x" * (400 << 20)
    time.sleep(600)
"""
HAS_A_FAT_CHILD = """
def do():
    import subprocess
    wait_for_order()
    subprocess.Popen([sys.executable, "-S", "-c", "kept = b'x' * (400 << 20); import time; time.sleep(600)"])
"""
THINKS_FOR_EVER = """
def do():
    wait_for_order()
    replies = sys.modules["khronos.conversation.replies"]
    assert replies.think
    replies.think = lambda *_, **__: time.sleep(600)
"""
DIES_AT_ONCE = """
def do():
    with open({lives!r}, "a") as file:
        print(open("/proc/self/stat").read().split()[21], file=file)
    os._exit(3)
"""


class Order:
    """Carried out once, when it is given, by the process that it was written for."""

    def __init__(self, folder: Path) -> None:
        self._code, self._given = folder / "sitecustomize.py", folder / "order"
        self.env = {"PYTHONPATH": str(folder)}

    def write(self, name: str, body: str) -> None:
        self._code.write_text(INSIDE.format(order=str(self._given), body=body, name=name))

    def give(self) -> None:
        self._given.touch()
        assert until(lambda: not self._given.exists(), 5)


class Cable:
    """A TCP relay. While it is cut nothing goes through, and nobody is told."""

    def __init__(self, port: int = 0, path: str = "") -> None:
        self._target: dict[str, Any] = {"path": path} if path else {"host": "127.0.0.1", "port": port}
        self._loop = asyncio.new_event_loop()
        self._whole = asyncio.Event()
        self._pumps: set[asyncio.Task[None]] = set()
        self.port = 0

    def __enter__(self) -> "Cable":
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._lay(), self._loop).result(5)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._remove(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def cut(self) -> None:
        self._loop.call_soon_threadsafe(self._whole.clear)

    def mend(self) -> None:
        self._loop.call_soon_threadsafe(self._whole.set)

    async def _lay(self) -> None:
        self._whole.set()
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _remove(self) -> None:
        self._server.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _join(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        dial = asyncio.open_unix_connection if "path" in self._target else asyncio.open_connection
        try:
            far, to_far = await dial(**self._target)
        except OSError:
            to_near.close()
            return
        for pump in (self._pump(near, to_far), self._pump(far, to_near)):
            task = asyncio.create_task(pump)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
        await self._whole.wait()
        writer.close()


@contextmanager
def valkey(folder: Path) -> Iterator[int]:
    (port,) = free_ports(1)
    server = start_valkey(folder, port)
    try:
        yield port
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def connected(folder: Path) -> Iterator[tuple[Stage, dict[str, Cable]]]:
    """An instance with a cable to everything that it needs."""
    with ExitStack() as stack:
        enter = stack.enter_context
        world, cluster = enter(Simulator.start()), enter(Cluster.made())
        outside = int(world.url.rpartition(":")[2])
        socket = f"{cluster.url.rpartition('host=')[2]}/.s.PGSQL.5432"
        cables = {
            "valkey": enter(Cable(enter(valkey(folder)))),
            "telegram": enter(Cable(outside)),
            "anthropic": enter(Cable(outside)),
            "database": enter(Cable(path=socket)),
        }
        url = {name: f"127.0.0.1:{cable.port}" for name, cable in cables.items()}
        env = {
            **EDIT,
            "REDIS_URL": f"redis://{url['valkey']}/0",
            "TELEGRAM_API_URL": f"http://{url['telegram']}",
            "ANTHROPIC_BASE_URL": f"http://{url['anthropic']}",
            "DATABASE_URL": f"postgresql://postgres@{url['database']}/postgres",
        }
        khronos: Instance = enter(OnPostgresql(world, cluster, env))
        stage = Stage(world, khronos)
        stage.clear()
        yield stage, cables


def restarts(stage: Stage) -> dict[str, int]:
    return {row["name"]: row["restarts"] for row in stage.khronos.ps()}


def ready_status(stage: Stage) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", stage.khronos.port, timeout=5)) as connection:
        connection.request("GET", "/ready")
        return connection.getresponse().status


def said(stage: Stage, words: str, within_s: float) -> bool:
    return until(lambda: words in stage.khronos.said(), within_s)


@pytest.fixture
def order(tmp_path: Path) -> Iterator[Order]:
    yield Order(tmp_path)
    house.close()


@pytest.mark.slow
@pytest.mark.timeout(SUSPEND_S + 180)
def test_suspended_machine_goes_on_by_itself_and_nobody_is_blamed() -> None:
    stage = house.open(env={**EDIT, **SHORT_LEASES, "SILENCE_S": "15"})
    before = restarts(stage)
    stage.world.models.think(0.2)
    stage.play(15, 6, arrival="paced", rate=30)
    stage.after(30)
    asleep = stage.khronos.all_processes()
    assert {"supervisor", "valkey", "web", "agent"} <= set(stage.khronos.names())
    for process in asleep:
        process.suspend()
    time.sleep(SUSPEND_S)
    for process in asleep:
        process.resume()
    woken = time.monotonic()
    assert until(lambda: ready_status(stage) == 200, HEALED_S)
    verdict = stage.finish(HEALED_S)
    assert figures(verdict) == exact(90)
    assert time.monotonic() - woken < HEALED_S
    assert stage.troubles() == clean()
    assert not said(stage, "no sign of life", LOOK_S)
    assert restarts(stage) == before
    assert [process.pid for process in asleep if not process.is_running()] == []


CUT = [pytest.param(name, marks=pytest.mark.slow) for name in ("valkey", "telegram", "anthropic", "database")]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", CUT)
def test_cut_cable_heals_and_costs_nothing(name: str, tmp_path: Path) -> None:
    """Nothing is refused and nothing is closed: what was sent waits, and arrives when the cable is mended."""
    with connected(tmp_path) as (stage, cables):
        before = restarts(stage)
        stage.world.models.think(0.2)
        stage.play(15, 8, arrival="paced", rate=10)
        stage.after(30)
        cables[name].cut()
        time.sleep(CUT_S)
        held_back = stage.world.verdict()
        assert held_back.answered < 120
        cables[name].mend()
        mended = time.monotonic()
        verdict = stage.finish(HEALED_S)
        assert figures(verdict) == exact(120)
        assert until(lambda: ready_status(stage) == 200, HEALED_S)
        assert time.monotonic() - mended < HEALED_S
        assert stage.troubles() == clean()
        assert restarts(stage) == before


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("body", [LEAKS, HAS_A_FAT_CHILD], ids=["itself", "its child"])
def test_fat_process_is_renewed_in_order_and_loses_nothing(order: Order, body: str) -> None:
    order.write("agent", body)
    stage = house.open(env={**EDIT, **order.env, "MAX_MEMORY_MB": "300"})
    stage.world.models.think(0.2)
    stage.play(15, 12, arrival="paced", rate=15)
    stage.after(30)
    order.give()
    assert said(stage, "agent uses", LOOK_S)
    assert said(stage, "agent is well again", 30)
    assert figures(stage.finish()) == exact(180)
    assert stage.troubles() == clean()
    assert stage.khronos.said().count("restarting it") == 1
    assert stage.khronos.logs()["agent"].count('"7/7 ') == 1
    assert {name for name, count in restarts(stage).items() if count} == {"agent"}
    assert max(row["rss_mb"] for row in stage.khronos.ps()) < 300


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_process_that_dies_at_once_is_given_up_and_the_others_go_on(order: Order, tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    order.write("worker", DIES_AT_ONCE.format(lives=str(lives)))
    stage = house.open(env={**EDIT, **order.env, "RESTART_APART_S": "4", "FAILED_START_S": "10",
                            "FAILED_STARTS_MAX": "10"})  # fmt: skip
    assert said(stage, "worker is given up after 10 failed starts (exit code 3)", 90)
    starts = [int(ticks) / os.sysconf("SC_CLK_TCK") for ticks in lives.read_text().splitlines()]
    assert len(starts) == 10
    apart = [later - earlier for earlier, later in pairwise(starts)]
    assert min(apart) > 3.9
    assert max(apart) < 8
    assert stage.khronos.said().count("worker died (exit code 3), back in") == 9
    worker = next(row for row in stage.khronos.ps() if row["name"] == "worker")
    assert (worker["state"], worker["pid"], worker["restarts"]) == ("failed", None, 9)
    stage.play(15, 2)
    assert figures(stage.finish()) == exact(30)
    assert {name for name, count in restarts(stage).items() if count} == {"worker"}
    assert until(lambda: ready_status(stage) == 503, 90)  # nobody does its work: the canaries stay away


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_agent_whose_threads_all_hang_is_restarted_though_its_loop_beats(order: Order) -> None:
    order.write("agent", THINKS_FOR_EVER)
    deadlines = {"ANTHROPIC_TIMEOUT_S": "3", "OPENAI_TIMEOUT_S": "1", "TRANSCRIBER_TIMEOUT_S": "3"}
    stage = house.open(env={**EDIT, **order.env, **deadlines, "AGENT_THREADS": "16", "SILENCE_S": "5"})
    order.give()
    stage.play(40, 1)
    hung = time.monotonic()
    assert said(stage, "agent has given no sign of life", 90)
    noticed_s = time.monotonic() - hung
    assert noticed_s > PATIENCE_S
    assert stage.world.verdict().answered == 0
    assert figures(stage.finish()) == exact(40)
    assert stage.troubles() == clean()
    assert {name: count for name, count in restarts(stage).items() if count} == {"agent": 1}
