"""Limits on a real Valkey: many processes, a stopped server, an emptied one, and what stays in it."""

import multiprocessing
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
import redis

from bench.patience import free_port
from khronos.resilience.limits import Claim, Limiter, RedisStore, Seats, Spacing, Window
from tests.integration.limits_stage import bring_through
from tests.valkey import start_valkey

BOT = Claim("bot", Spacing(35), shared=True)
SEATS = Claim("seats", Seats(1, lease_s=30))
TIMEOUT_S = 0.2
BUSY_S = 4.0  # what the machine may add; a time-out for each of a thousand questions would be 200 s
DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], "redis.Redis"]]:
    """A server that this test may stop."""
    port = free_port()
    server = start_valkey(tmp_path, port)
    client = redis.Redis.from_url(
        f"redis://127.0.0.1:{port}", retry=None, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
    )
    yield server, client
    client.close()
    server.kill()
    server.wait(10)


def test_four_processes_keep_the_spacing_and_the_window_to_the_microsecond(
    bus: "redis.Redis", valkey: str
) -> None:
    claims = [
        Claim("spacing", Spacing(5), shared=True),
        Claim("window", Window(30, 0.2), shared=True),
        Claim("ledger", Window(1000, 60)),
    ]
    tokens = [[f"{process}:{number}" for number in range(75)] for process in range(4)]
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        jobs = [pool.submit(bring_through, valkey, of_one, claims, 8) for of_one in tokens]
        asked = [token for job in jobs for token in job.result(60)]
    granted = [int(at) for at in bus.lrange("limit:ledger:used", 0, -1)]
    assert len(granted) == 300
    assert all(later - earlier >= 5_000 for earlier, later in pairwise(granted))
    assert all(later - earlier >= 200_000 for earlier, later in zip(granted, granted[30:], strict=False))
    assert set(asked) == {token for of_one in tokens for token in of_one}
    assert len(asked) < 300 * 6  # two where everybody comes when told
    assert [usage.waiting for usage in Limiter(RedisStore(bus)).snapshot(["spacing", "window"])] == [0, 0]


def test_stopped_server_costs_one_timeout_and_the_limit_holds(
    own_valkey: tuple[subprocess.Popen[bytes], "redis.Redis"],
) -> None:
    server, client = own_valkey
    skipped_s = 0.0
    limiter = Limiter(RedisStore(client), clock=lambda: time.monotonic() + skipped_s)
    assert limiter.ask("a", [BOT]).granted
    server.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    verdicts = [limiter.ask(f"t{number}", [BOT]) for number in range(1000)]
    took_s = time.monotonic() - began
    assert limiter.is_away
    assert 1 <= sum(verdict.granted for verdict in verdicts) <= 1 + took_s / 0.035
    assert TIMEOUT_S <= took_s < TIMEOUT_S * (2 + took_s) + BUSY_S
    server.send_signal(signal.SIGCONT)
    skipped_s = 1.0
    limiter.ask("b", [BOT])
    assert not limiter.is_away


def test_emptied_and_restarted_server_goes_on(bus: "redis.Redis") -> None:
    limiter = Limiter(RedisStore(bus), slow_s=60)
    slow = Claim("slow", Spacing(60_000), shared=True)
    assert [limiter.ask(token, [slow, SEATS]).granted for token in "ab"] == [True, False]
    bus.flushall()
    bus.script_flush()
    began = time.monotonic()
    verdicts = [limiter.ask(token, [slow]) for token in "bcd"]
    assert [verdict.granted for verdict in verdicts] == [True, False, False]
    assert verdicts[2].wait_s + time.monotonic() - began > 119
    assert verdicts[2].wait_s <= 120
    assert limiter.release("a") == []
    assert not limiter.is_away


def test_question_is_one_command_however_many_budgets(bus: "redis.Redis") -> None:
    limiter = Limiter(RedisStore(bus), slow_s=60)
    claims = [
        Claim("chat", Window(1000, 60)),
        Claim("group", Window(1000, 60)),
        Claim("bot", Window(1000, 1)),
    ]
    limiter.ask("first", claims)
    before = sent(bus)
    assert all(limiter.ask(f"t{number}", claims).granted for number in range(100))
    after = sent(bus)
    assert after["cmdstat_evalsha"] - before["cmdstat_evalsha"] == 100
    assert not {"cmdstat_keys", "cmdstat_scan"} & set(after)


def test_everything_that_is_kept_ends_by_itself(bus: "redis.Redis") -> None:
    limiter = Limiter(RedisStore(bus), slow_s=60)
    own, shared = Claim("own", Window(9, 5)), Claim("shared", Window(1, 5), shared=True)
    for token in "abc":
        limiter.ask(token, [own, shared])
        limiter.ask(token, [SEATS])
    assert limiter.release("a") == ["b"]
    assert limiter.ask("b", [SEATS]).granted
    limiter.pause("shared", 20)
    limiter.pause("unknown", 20)
    limiter.learn("shared", 2, 20)
    limiter.learn("unknown too", 2, 20)
    for _ in range(2):
        limiter.hit("contact", Window(1, 60))
    ends = {key.decode(): bus.pttl(key) for key in bus.scan_iter("*")}
    assert {key for key, ms in ends.items() if not 0 < ms <= DAY_MS} == set()
    assert set(ends) == {
        *(f"limit:{name}" for name in ("own", "shared", "seats", "contact", "unknown", "unknown too")),
        *(f"limit:{name}" for name in ("own:used", "own:places", "shared:used", "shared:places")),
        *(f"limit:{name}" for name in ("seats:held", "seats:line", "seats-of:b", "contact:used")),
    }


def test_client_that_decodes_serves_as_well(bus: "redis.Redis", valkey: str) -> None:
    with redis.Redis.from_url(valkey, decode_responses=True) as client:
        limiter = Limiter(RedisStore(client), slow_s=60)
        assert [limiter.ask(token, [SEATS]).granted for token in ("ã", "ß")] == [True, False]
        assert limiter.release("ã") == ["ß"]


def sent(client: "redis.Redis") -> dict[str, int]:
    stats = client.info("commandstats")
    return {name: row["calls"] for name, row in stats.items()}
