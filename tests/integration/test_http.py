"""Our HTTP client: kept connections, exact deadlines, and whether a request that failed had gone out."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from khronos.exceptions import Misconfigured
from khronos.http import Pool, Unanswered, Unsent
from khronos.http.inlet import Reply
from tests.integration.raw_server import Caller, answer, polite, serving

type PoolOf = Callable[[str], Pool]


@pytest.fixture
def pool_of() -> Iterator[PoolOf]:
    made: list[Pool] = []

    def make(url: str) -> Pool:
        made.append(Pool(url))
        return made[-1]

    yield make
    for pool in made:
        pool.close()


def ask(pool: Pool, body: bytes = b"{}", timeout: float = 5.0) -> Reply:
    return pool.request("POST", "/x", [("A", "b")], body, connect_timeout=2.0, timeout=timeout)


def test_one_connection_serves_calls_one_after_the_other(pool_of: PoolOf) -> None:
    with serving(polite) as server:
        pool = pool_of(server.url)
        for _ in range(5):
            assert ask(pool).status == 200
    assert (server.connections, len(server.requests)) == (1, 5)


def test_calls_at_the_same_time_have_a_connection_each(pool_of: PoolOf) -> None:
    with serving(polite) as server:
        pool = pool_of(server.url)
        with ThreadPoolExecutor(16) as threads:
            assert [reply.status for reply in threads.map(lambda _: ask(pool), range(400))] == [200] * 400
    assert len(server.requests) == 400
    assert server.connections <= 16


def test_connection_that_was_closed_while_idle_is_replaced_without_a_repeat(
    pool_of: PoolOf,
) -> None:
    closed = threading.Event()

    def once(caller: Caller) -> None:
        caller.read_request()
        caller.send(answer()).close()
        closed.set()

    with serving(once, polite) as server:
        pool = pool_of(server.url)
        ask(pool, b"first")
        assert closed.wait(5)
        ask(pool, b"second")
    assert server.connections == 2
    assert [request.rpartition(b"\r\n\r\n")[2] for request in server.requests] == [b"first", b"second"]


def test_request_that_did_not_leave_as_a_whole_goes_over_another_connection(pool_of: PoolOf) -> None:
    """The server resets a kept connection in the middle of the second request: nobody acted on it."""

    def rude(caller: Caller) -> None:
        caller.read_request()
        caller.send(answer())
        caller.sock.recv(1000)
        caller.reset()

    body = b"x" * 20_000_000  # more than the sockets' buffers take
    with serving(rude, polite) as server:
        pool = pool_of(server.url)
        ask(pool)
        assert ask(pool, body).status == 200
    assert [len(request) > len(body) for request in server.requests] == [False, True]


def test_request_that_left_is_never_repeated(pool_of: PoolOf) -> None:
    def silent(caller: Caller) -> None:
        caller.read_request()
        caller.send(answer())
        caller.read_request()
        caller.close()

    with serving(silent, polite) as server:
        pool = pool_of(server.url)
        ask(pool)
        with pytest.raises(Unanswered):
            ask(pool)
    assert (server.connections, len(server.requests)) == (1, 2)


def test_refused_connection_means_unsent() -> None:
    with serving(polite) as server:
        url = server.url
    with pytest.raises(Unsent, match="Connection refused"):
        ask(Pool(url))


def test_unknown_host_means_unsent() -> None:
    with pytest.raises(Unsent):
        ask(Pool("http://nowhere.invalid"))


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000,
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
    ],
    ids=range(9),
)
def test_broken_answers_mean_unanswered(pool_of: PoolOf, said: bytes) -> None:
    def script(caller: Caller) -> None:
        caller.read_request()
        caller.send(said).close()

    with serving(script) as server, pytest.raises(Unanswered):
        ask(pool_of(server.url))


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
    ],
    ids=["chunked", "length", "continue", "close", "old"],
)
def test_every_way_to_frame_an_answer_is_read(pool_of: PoolOf, said: bytes) -> None:
    def script(caller: Caller) -> None:
        caller.read_request()
        caller.send(said).close()

    with serving(script) as server:
        assert ask(pool_of(server.url)).body == b"hello"


def test_a_connection_that_the_server_will_close_is_not_kept(pool_of: PoolOf) -> None:
    def script(caller: Caller) -> None:
        caller.read_request()
        caller.send(answer(b"{}", "200 OK", "Connection: close"))

    with serving(script) as server:
        pool = pool_of(server.url)
        assert [ask(pool).status for _ in range(3)] == [200] * 3
    assert server.connections == 3


@pytest.mark.parametrize("piece", [b"HTTP/1.1 200 OK\r\nX-Slow: " + b"z" * 500, answer(b"z" * 500)])
def test_deadline_holds_for_the_whole_call_even_when_bytes_trickle(pool_of: PoolOf, piece: bytes) -> None:
    def script(caller: Caller) -> None:
        caller.read_request()
        for byte in piece:
            caller.send(bytes([byte]))
            time.sleep(0.02)

    with serving(script) as server:
        started = time.monotonic()
        with pytest.raises(Unanswered) as caught:
            ask(pool_of(server.url), timeout=0.3)
        assert time.monotonic() - started < 5.0
    assert caught.value.timed_out


def test_server_that_reads_nothing_means_unsent_after_the_deadline(pool_of: PoolOf) -> None:
    held = threading.Event()

    def deaf(caller: Caller) -> None:
        held.wait(10)

    with serving(deaf) as server:
        started = time.monotonic()
        with pytest.raises(Unsent):
            ask(pool_of(server.url), b"x" * 20_000_000, timeout=0.3)
        assert time.monotonic() - started < 5.0
        held.set()


def test_line_breaks_cannot_smuggle_a_header(pool_of: PoolOf) -> None:
    with serving(polite) as server:
        pool = pool_of(server.url)
        for headers, target in (
            ([("A", "b\r\nC: d")], "/"),
            ([], "/ HTTP/1.1\r\nC: d"),
            ([("A\n", "")], "/"),
        ):
            with pytest.raises(Unsent):
                pool.request("POST", target, headers, b"", connect_timeout=1, timeout=1)
    assert server.connections == 0


@pytest.mark.parametrize("url", ["", "127.0.0.1:80", "ftp://127.0.0.1", "http://"])
def test_no_web_address_is_a_misconfiguration(url: str) -> None:
    with pytest.raises(Misconfigured):
        Pool(url)


FORK = """
import os, sys
from khronos.http import pool
def ask(body):
    return pool(sys.argv[1]).request("POST", "/", [], body, connect_timeout=2, timeout=5).status
assert ask(b"parent") == 200
child = os.fork()
assert ask(b"child" if child == 0 else b"parent") == 200
if child:
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_forked_child_does_not_speak_over_its_parent_s_connections() -> None:
    with serving(polite) as server:
        subprocess.run([sys.executable, "-c", FORK, server.url], check=True, timeout=20)
    assert (server.connections, len(server.requests)) == (2, 3)


def test_requests_are_framed_as_servers_expect(pool_of: PoolOf) -> None:
    with serving(polite) as server:
        ask(pool_of(server.url), b"{}")
    host = server.url.removeprefix("http://").encode()
    assert server.requests == [b"POST /x HTTP/1.1\r\nHost: %s\r\nContent-Length: 2\r\nA: b\r\n\r\n{}" % host]


def test_an_idle_connection_is_not_kept_for_ever(pool_of: PoolOf, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(polite) as server:
        pool = pool_of(server.url)
        ask(pool)
        monkeypatch.setattr("khronos.http.IDLE_S", -1.0)
        ask(pool)
    assert server.connections == 2


def test_connections_left_over_from_a_rush_are_closed_one_by_one(
    pool_of: PoolOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(8)
    gone = threading.Semaphore(0)

    def counted(caller: Caller) -> None:
        caller.read_request()
        together.wait(5)
        caller.send(answer())
        try:
            polite(caller)
        finally:
            gone.release()

    with serving(*[counted] * 8, polite) as server:
        pool = pool_of(server.url)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: ask(pool), range(8)))
        used_at = time.monotonic() + 20
        monkeypatch.setattr("khronos.http.time.monotonic", lambda: used_at)
        assert ask(pool).status == 200
        used_at += 20
        for _ in range(7):
            assert ask(pool).status == 200
        assert all(gone.acquire(timeout=5) for _ in range(7))
        assert not gone.acquire(blocking=False)
