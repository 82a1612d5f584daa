"""TLS and proxies on the way to a server, with a certificate made for the test."""

import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from khronos.http import Pool, Unsent
from khronos.http.dial import tls
from tests.integration.raw_server import Caller, RawServer, Script, answer, polite, serving


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of 127.0.0.1 and of khronos.test, in one file."""
    if not shutil.which("openssl"):
        if os.environ.get("CI"):
            pytest.fail("openssl is missing, and CI installs it")
        pytest.skip("openssl is missing")
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    names = "subjectAltName=IP:127.0.0.1,DNS:khronos.test"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += [
        "-days",
        "2",
        "-subj",
        "/CN=khronos.test",
        "-addext",
        names,
        "-keyout",
        str(path),
        "-out",
        f"{path}.crt",
    ]
    subprocess.run(command, check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls.cache_clear()
    yield
    tls.cache_clear()


def encrypted(certificate: Path, script: Script) -> Script:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def serve(caller: Caller) -> None:
        with context.wrap_socket(caller.sock, server_side=True) as sock:
            script(Caller(sock, caller.server))

    return serve


def ask(pool: Pool) -> int:
    return pool.request("POST", "/", [], b"{}", connect_timeout=2.0, timeout=5.0).status


def https(server: RawServer) -> str:
    return server.url.replace("http:", "https:")


@pytest.mark.usefixtures("trusted")
def test_one_encrypted_connection_serves_many_calls(certificate: Path) -> None:
    with serving(encrypted(certificate, polite)) as server:
        pool = Pool(https(server))
        assert [ask(pool) for _ in range(4)] == [200] * 4
        pool.close()
    assert (server.connections, len(server.requests)) == (1, 4)


@pytest.mark.usefixtures("trusted")
def test_encrypted_connection_that_was_closed_while_idle_is_replaced(certificate: Path) -> None:
    closed = threading.Event()

    def once(caller: Caller) -> None:
        caller.read_request()
        caller.send(answer()).close()
        closed.set()

    with serving(encrypted(certificate, once), encrypted(certificate, polite)) as server:
        pool = Pool(https(server))
        assert ask(pool) == 200
        assert closed.wait(5)
        assert ask(pool) == 200
        pool.close()
    assert (server.connections, len(server.requests)) == (2, 2)


def test_a_certificate_that_nobody_signed_means_unsent(certificate: Path) -> None:
    tls.cache_clear()
    with serving(encrypted(certificate, polite)) as server, pytest.raises(Unsent, match="SSLCert"):
        ask(Pool(https(server)))
    assert server.requests == []


@pytest.mark.usefixtures("trusted")
def test_the_way_leads_through_the_proxy_of_the_environment(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    def proxy(caller: Caller) -> None:
        asked.append(caller.sock.recv(65536))
        caller.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        encrypted(certificate, polite)(caller)

    with serving(proxy) as server:
        monkeypatch.setenv("https_proxy", server.url.replace("//", "//user:p%40ss@"))
        monkeypatch.setenv("no_proxy", "")
        pool = Pool("https://khronos.test")
        assert [ask(pool) for _ in range(2)] == [200] * 2
        pool.close()
    assert asked == [
        b"CONNECT khronos.test:443 HTTP/1.1\r\nHost: khronos.test:443\r\n"
        b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n\r\n"
    ]
    assert len(server.requests) == 2


@pytest.mark.parametrize("said", [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"nonsense\r\n\r\n"])
def test_a_proxy_that_refuses_means_unsent(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def proxy(caller: Caller) -> None:
        caller.sock.recv(65536)
        caller.send(said)

    with serving(proxy) as server:
        monkeypatch.setenv("https_proxy", server.url)
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(Unsent, match="the proxy answers"):
            ask(Pool("https://khronos.test"))


def test_this_machine_is_not_behind_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    with serving(polite) as server:
        pool = Pool(server.url)
        assert ask(pool) == 200
        pool.close()


def test_a_server_that_does_not_shake_hands_means_unsent() -> None:
    def mute(caller: Caller) -> None:
        caller.sock.settimeout(10)
        while caller.sock.recv(1000):
            pass

    with serving(mute) as server, pytest.raises(Unsent):
        Pool(https(server)).request("POST", "/", [], b"", connect_timeout=0.2, timeout=5.0)
    assert socket.getdefaulttimeout() is None
