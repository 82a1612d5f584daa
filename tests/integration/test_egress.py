"""Calls to addresses that somebody else has chosen, to a real server on loopback."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from khronos.channels import egress
from khronos.exceptions import Ambiguous, Permanent, Transient

LOOPBACK = ["127.0.0.0/8", "::1/128"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, dict[str, str]]]

    def do_GET(self) -> None:
        self.seen.append((self.command, self.path, dict(self.headers)))
        if self.path.startswith("/to/"):
            return self.reply(302, b"", Location=self.path[4:])
        if self.path.startswith("/drip"):
            return self.drip()
        if self.path.startswith("/pressed"):
            return self.reply(200, b"\x1f\x8b", **{"Content-Encoding": "gzip"})
        self.reply(200, b"x" * int(self.path.partition("?")[2].partition("&")[0] or 2))

    do_POST = do_GET

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def drip(self) -> None:
        """Never silent for long, and never done."""
        self.send_response(200)
        self.end_headers()
        try:
            while not self.server.over.wait(0.02):  # type: ignore[attr-defined]
                self.wfile.write(b"x")
        except OSError:
            pass
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


class Server:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), type("Of", (Handler,), {"seen": self.seen}))
        self.http.over = threading.Event()  # type: ignore[attr-defined]
        self.port = self.http.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [path for _, path, _ in self.seen]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.http.over.set()  # type: ignore[attr-defined]
    made.http.shutdown()
    made.http.server_close()
    thread.join()


def get(url: str, **given: object) -> egress.Answer:
    bounds = {"timeout_s": 5.0, "most_bytes": 1000, "allowed": LOOPBACK} | given
    return egress.call("GET", url, **bounds)  # type: ignore[arg-type]


def test_answer_comes_from_the_address_that_was_looked_up_under_the_name_that_was_asked(
    server: Server,
) -> None:
    answer = get(f"http://localhost:{server.port}/é a?2&b=ç d")
    assert (answer.status, len(answer.body)) == (200, 2)
    assert server.seen[0][2]["Host"] == f"localhost:{server.port}"
    assert server.paths == ["/%C3%A9%20a?2&b=%C3%A7%20d"]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "0", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_private_address_is_not_called_however_it_is_written(server: Server, host: str) -> None:
    with pytest.raises((Permanent, Transient)):
        get(f"http://{host}:{server.port}/", allowed=())
    assert server.seen == []


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest/", "http://10.0.0.1/", "http://[fd00::1]/", "http://192.168.1.1/"]
)
def test_address_within_a_network_is_refused_without_a_try(url: str) -> None:
    with pytest.raises(Permanent, match="private address"):
        get(url, allowed=())


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://127.0.0.1/", "http://", "//127.0.0.1/"])
def test_only_web_addresses_are_called(url: str) -> None:
    with pytest.raises(Permanent):
        get(url)


def test_redirect_to_a_private_address_is_not_followed(server: Server) -> None:
    with pytest.raises(Permanent, match="private address"):
        get(f"{server.url}/to/http://10.0.0.1/secret", redirects=3)
    with pytest.raises(Permanent, match="no http"):
        get(f"{server.url}/to/file:///etc/passwd", redirects=3)
    assert len(server.seen) == 2


def test_redirect_is_followed_where_it_is_wanted_and_no_further(server: Server) -> None:
    assert get(f"{server.url}/to//there", redirects=1).url.endswith("/there")
    with pytest.raises(Permanent, match="elsewhere"):
        get(f"{server.url}/to//there")
    with pytest.raises(Permanent, match="elsewhere"):
        get(f"{server.url}/to//to//there", redirects=1)
    assert server.paths.count("/there") == 1


def test_every_hop_is_asked_of_the_list(server: Server) -> None:
    with pytest.raises(Permanent, match="not on the list"):
        get(
            f"{server.url}/to/http://localhost:{server.port}/x",
            redirects=3,
            admits=lambda target: target.host == "127.0.0.1",
        )
    assert len(server.seen) == 1


def test_key_goes_to_no_other_server(server: Server) -> None:
    get(
        f"{server.url}/to/http://localhost:{server.port}/x",
        headers=[("Authorization", "Bearer key")],
        redirects=1,
    )
    assert [headers.get("Authorization") for _, _, headers in server.seen] == ["Bearer key", None]


def test_change_is_never_sent_elsewhere(server: Server) -> None:
    with pytest.raises(Permanent, match="elsewhere"):
        egress.call(
            "POST",
            f"{server.url}/to//x",
            body=b"{}",
            timeout_s=5.0,
            most_bytes=99,
            redirects=3,
            allowed=LOOPBACK,
        )
    assert [method for method, _, _ in server.seen] == ["POST"]


def test_large_answer_is_refused_by_its_size(server: Server) -> None:
    assert len(get(f"{server.url}/?1000").body) == 1000
    with pytest.raises(Permanent, match="more than 1,000 bytes"):
        get(f"{server.url}/?1001")


def test_answer_that_is_compressed_unasked_is_refused_by_its_name(server: Server) -> None:
    with pytest.raises(Permanent, match=r"compressed \(gzip\)"):
        get(f"{server.url}/pressed")
    with pytest.raises(Ambiguous, match="compressed"):
        egress.call("POST", f"{server.url}/pressed", timeout_s=5.0, most_bytes=99, allowed=LOOPBACK)
    assert [headers["Accept-Encoding"] for _, _, headers in server.seen] == ["identity", "identity"]


def test_answer_that_drips_is_given_up_in_time(server: Server) -> None:
    with pytest.raises(Ambiguous, match="TimeoutError"):
        get(f"{server.url}/drip", timeout_s=0.2)


def test_answer_without_an_end_is_cut_by_size(server: Server) -> None:
    with pytest.raises(Permanent, match="more than 5 bytes"):
        get(f"{server.url}/drip", most_bytes=5)


def test_nobody_there_means_surely_not_done(server: Server) -> None:
    with pytest.raises(Transient, match="cannot connect"):
        get("http://127.0.0.1:9/")
