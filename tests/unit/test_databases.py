"""What becomes of DATABASE_URL."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings

from khronos.exceptions import Misconfigured
from khronos.resilience.bounded import BoundedConnection, try_on
from settings.databases import SQLITE_PRAGMAS, postgresql, sqlite
from settings.env import env

URL = "postgresql://ana:p%40ss@db.example:5433/talk"
LIMITS = (
    "-c statement_timeout=30s -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s"
    " -c hnsw.ef_search=500 -c hnsw.iterative_scan=relaxed_order"
)


def options(query: str = "") -> dict[str, Any]:
    given: dict[str, Any] = postgresql(URL + query)["OPTIONS"]
    return given


def test_address_is_taken_apart() -> None:
    made = postgresql(URL)
    assert [made[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")] == [
        "talk", "ana", "p@ss", "db.example", 5433,
    ]  # fmt: skip


def test_server_that_is_gone_is_noticed_before_a_lease_ends() -> None:
    made = options()
    probing = made["keepalives_idle"] + made["keepalives_interval"] * made["keepalives_count"]
    lease = settings.TURN_LEASE.total_seconds()
    assert made["connect_timeout"] < lease
    assert probing < lease
    assert 1000 < made["tcp_user_timeout"] < lease * 1000


def test_no_statement_lock_or_transaction_is_for_ever() -> None:
    assert options()["options"] == LIMITS


def test_word_of_the_address_counts() -> None:
    made = options("?connect_timeout=9&keepalives_idle=60&tcp_user_timeout=1000&sslmode=require")
    assert (made["connect_timeout"], made["keepalives_idle"], made["tcp_user_timeout"]) == ("9", "60", "1000")
    assert made["sslmode"] == "require"
    assert made["options"] == LIMITS


def test_options_of_the_address_come_after_ours() -> None:
    assert options("?options=-c%20lock_timeout%3D1s")["options"] == f"{LIMITS} -c lock_timeout=1s"


def test_empty_options_send_none() -> None:
    assert options("?options=")["options"] == ""


def test_connections_come_from_a_small_pool_that_checks_them() -> None:
    made = postgresql(URL)
    assert (made["CONN_MAX_AGE"], made["CONN_HEALTH_CHECKS"]) == (0, True)
    pool = made["OPTIONS"]["pool"]
    assert (pool["min_size"], pool["max_size"], pool["timeout"], pool["max_idle"]) == (2, 10, 5.0, 30.0)
    assert pool["connection_class"] is BoundedConnection


def test_lost_connections_are_tried_again_more_often_than_somebody_gives_up() -> None:
    pool = options()["pool"]
    assert pool["reconnect_timeout"] <= pool["timeout"] / 2
    assert pool["reconnect_failed"] is try_on


def test_server_sees_which_process_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KHRONOS_PROCESS", "agent-2")
    assert options()["application_name"] == "khronos agent-2"
    assert options("?application_name=ours")["application_name"] == "ours"


def test_pool_that_is_smaller_than_its_least_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "database_pool_min", 11)
    with pytest.raises(Misconfigured, match=r"DATABASE_POOL_MIN=11 is above DATABASE_POOL_MAX=10(.|\n)*Fix:"):
        postgresql(URL)


def test_sqlite_has_no_pool_and_keeps_its_file_open() -> None:
    made = sqlite("/tmp/khronos.sqlite3")
    assert "pool" not in made["OPTIONS"]
    assert made["CONN_MAX_AGE"] is None


def test_a_connection_maps_nothing_of_the_file_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "khronos.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"{SQLITE_PRAGMAS} CREATE TABLE kept (words TEXT)")
        connection.executemany("INSERT INTO kept VALUES (?)", [("x" * 1000,)] * 1000)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert connection.execute("SELECT sum(length(words)) FROM kept").fetchone() == (1_000_000,)
        assert path.stat().st_size > 1_000_000
        assert str(path) not in {each.path for each in psutil.Process().memory_maps()}
