"""The database is stopped, killed, frozen or locked while people write: it costs time alone."""

import json
import sqlite3
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from bench.instance import Instance
from bench.patience import until
from bench.simulator import Simulator
from settings.dotenv import read_env_file
from tests.acceptance.conftest import EDIT
from tests.acceptance.grown import OnPostgresql, a_cluster
from tests.acceptance.stage import Stage, clean, exact, figures
from tests.cluster import Cluster

CHATS, MESSAGES, RATE = 40, 5, 8.0  # 25 s of talk: it goes on after each outage
ALL = CHATS * MESSAGES
BACK_S = 10.0  # from the database's return to the first 200
POOL_MAX = 10
PRODUCTION = {"DATABASE_BREAKER_REST_S": "5"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with a_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def grown(cluster: Cluster) -> Iterator[Stage]:
    with Simulator.start() as world, OnPostgresql(world, cluster, {**EDIT, **PRODUCTION}) as khronos:
        yield Stage(world, khronos)


@pytest.fixture
def talking(grown: Stage) -> Iterator[Stage]:
    yield from talk(grown)


@pytest.fixture
def talking_on_sqlite() -> Iterator[Stage]:
    with Simulator.start() as world, Instance(world, env={**EDIT, **PRODUCTION}) as khronos:
        yield from talk(Stage(world, khronos))


def talk(stage: Stage) -> Iterator[Stage]:
    """In the middle of it. What the processes said is shown when the test fails."""
    stage.clear()
    stage.world.models.think(0.3)
    stage.play(CHATS, MESSAGES, arrival="paced", rate=RATE)
    stage.after(30)
    yield stage
    sys.stdout.write(stage.khronos.tails(40))


def stopped(cluster: Cluster) -> None:
    cluster.stop()
    time.sleep(5)
    cluster.start()


def killed(cluster: Cluster) -> None:
    cluster.kill()
    cluster.start()


def killed_for_long(cluster: Cluster) -> None:
    cluster.kill()
    time.sleep(12)
    cluster.start()


def frozen(cluster: Cluster) -> None:
    cluster.freeze()
    time.sleep(8)
    cluster.thaw()


@pytest.mark.parametrize("outage", [stopped, killed, killed_for_long, frozen])
def test_outage_of_postgresql_costs_time_alone(
    talking: Stage, cluster: Cluster, outage: Callable[[Cluster], None]
) -> None:
    restarts, opened = talking.restarts(), times_opened(talking)
    outage(cluster)
    back_at = time.time()
    assert figures(talking.finish(90)) == exact(ALL)
    assert talking.troubles() == clean()
    assert statuses(talking) <= {200, 503}
    assert first_200_s(talking, back_at, outage.__name__) < BACK_S
    assert unstored(talking) == []
    assert talking.restarts() == restarts
    if outage is killed_for_long:  # in the others' last ten seconds too many calls were well
        assert times_opened(talking) > opened
    assert shown(talking.khronos, "/breakers/status")["database"]["state"] == "closed"
    assert_nothing_leaks(talking, cluster)


@pytest.mark.parametrize("name", ["agent", "web"])
def test_process_killed_over_postgresql_costs_nothing(talking: Stage, cluster: Cluster, name: str) -> None:
    talking.khronos.wait_back(name, talking.khronos.kill(name))
    assert figures(talking.finish(90)) == exact(ALL)
    assert talking.troubles() == clean()
    assert unstored(talking) == []
    assert_nothing_leaks(talking, cluster)


def test_sqlite_locked_by_another_process_costs_time_alone(talking_on_sqlite: Stage) -> None:
    stage = talking_on_sqlite
    restarts = stage.restarts()
    with closing(sqlite3.connect(stage.khronos.database, timeout=10, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(8)
        other.execute("COMMIT")
    back_at = time.time()
    assert figures(stage.finish(90)) == exact(ALL)
    assert stage.troubles() == clean()
    assert statuses(stage) <= {200, 503}
    assert first_200_s(stage, back_at, "locked") < BACK_S
    assert unstored(stage) == []
    assert stage.restarts() == restarts


def statuses(stage: Stage) -> set[int | None]:
    return {attempt.status for update in stage.world.telegram.updates() for attempt in update.attempts}


def first_200_s(stage: Stage, back_at: float, outage: str) -> float:
    """Seconds from the database's return; also shown, with the longest that anybody waited for a 503."""
    attempts = [each for update in stage.world.telegram.updates() for each in update.attempts]
    ends = [each.at + each.seconds for each in attempts if each.status == 200]
    first_s = min(end for end in ends if end > back_at) - back_at
    refusals = [each.seconds for each in attempts if each.status == 503]
    longest_s = stage.world.verdict().longest_wait
    sys.stdout.write(
        f"{outage}: first 200 after {first_s:.2f} s; {len(refusals)} refused, the slowest after"
        f" {max(refusals, default=0.0):.1f} s; the longest wait for an answer {longest_s:.1f} s\n"
    )
    return first_s


def unstored(stage: Stage) -> list[int]:
    """Updates that were answered with 200, and have no row."""
    rows = {key for (key,) in stage.khronos.sql("SELECT key FROM khronos_update")}
    accepted = [update for update in stage.world.telegram.updates() if update.accepted_at is not None]
    return [update.update_id for update in accepted if str(update.update_id) not in rows]


def times_opened(stage: Stage) -> int:
    return sum(log.count("breaker database is open") for log in stage.khronos.logs().values())


def assert_nothing_leaks(stage: Stage, cluster: Cluster) -> None:
    """At rest no connection is in use, and no process has more than its pool may."""
    assert until(lambda: in_use(stage.khronos) == 0, 10)
    sessions = cluster.sql(
        "SELECT application_name, count(*), count(*) FILTER (WHERE state <> 'idle') FROM pg_stat_activity"
        " WHERE application_name LIKE 'khronos %%' GROUP BY 1"
    )
    assert {name for name, _, _ in sessions} >= {"khronos web", "khronos agent", "khronos dispatcher"}
    assert all(count <= POOL_MAX for _, count, _ in sessions), sessions
    assert until(lambda: not busy(cluster), 10)


def busy(cluster: Cluster) -> list[tuple[Any, ...]]:
    return cluster.sql(
        "SELECT application_name, state, query FROM pg_stat_activity"
        " WHERE application_name LIKE 'khronos %%' AND state LIKE 'idle in transaction%%'"
    )


def in_use(khronos: Instance) -> int:
    return int(shown(khronos, "/pool/stats")["database"]["in_use"])


def shown(khronos: Instance, address: str) -> dict[str, Any]:
    token = dict(read_env_file(khronos.home.path / "secrets.env"))["METRICS_TOKEN"]
    request = urllib.request.Request(khronos.url + address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
    return found
