"""Calls to addresses that somebody else has chosen: to no private one, and bounded in time and size.

    answer = egress.call("GET", url, timeout_s=10.0, most_bytes=2**20, redirects=3, admits=on_the_list)

The name is looked up once, and that address is connected to; each redirect is looked at in the same way.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import monotonic
from urllib.parse import urljoin

from khronos.channels.addresses import Target, address_of, target_of
from khronos.exceptions import Ambiguous, Permanent, Transient
from khronos.http import Pool, Unanswered, Unsent
from khronos.http.inlet import Reply

CONNECT_TIMEOUT_S = 3.0
MOVED = (301, 302, 303, 307, 308)

type Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    url: str  # after all redirects
    status: int
    content_type: str
    body: bytes


def everybody(_target: Target) -> bool:
    """Whoever has an allow-list gives another."""
    return True


def call(
    method: str,
    url: str,
    headers: Headers = (),
    body: bytes = b"",
    *,
    timeout_s: float,
    most_bytes: int,
    redirects: int = 0,
    allowed: Sequence[str] = (),
    admits: Callable[[Target], bool] = everybody,
) -> Answer:
    """Raises Permanent for what may not be called, Transient when surely nothing was done, else Ambiguous.

    `allowed` are private networks that may be called all the same; `admits` is asked for every hop. Only a
    GET follows redirects, and its headers (they may hold a key) go to no other server.
    """
    until = monotonic() + timeout_s
    left = redirects if method == "GET" else 0
    target, given = target_of(url), list(headers)
    while True:
        if not admits(target):
            raise Permanent(f"{target.host} is not on the list")
        reply = ask(target, allowed, (method, given, body), until, most_bytes)
        if reply.status not in MOVED:
            return Answer(url, reply.status, reply.header("content-type") or "", reply.body)
        if not left:
            raise Permanent(f"{target.host} sends us elsewhere ({reply.status})")
        left -= 1
        url = urljoin(url, reply.header("location") or "")
        before, target = target, target_of(url)
        if target.origin != before.origin:
            given = []


def ask(
    target: Target,
    allowed: Sequence[str],
    request: tuple[str, list[tuple[str, str]], bytes],
    until: float,
    most_bytes: int,
) -> Reply:
    """On a connection of its own: whoever is called now may be another next time."""
    method, headers, body = request
    headers = [*headers, ("Accept-Encoding", "identity"), ("Connection", "close")]
    server = Pool(target.origin, address_of(target.host, target.port, allowed))
    try:
        reply = server.request(
            method,
            target.path,
            headers,
            body,
            connect_timeout=CONNECT_TIMEOUT_S,
            timeout=until - monotonic(),
            most_bytes=most_bytes,
        )
    except Unsent as error:
        raise Transient(f"cannot connect to {target.host}: {error}") from None
    except Unanswered as error:
        if error.too_large and method == "GET":
            raise Permanent(f"{target.host} answers with more than {most_bytes:,} bytes") from None
        raise Ambiguous(f"{target.host} did not answer: {error}") from None
    finally:
        server.close()
    return unpressed(target, method, reply)


def unpressed(target: Target, method: str, reply: Reply) -> Reply:
    """Some press their answers unasked; unpacked, they could be of any size."""
    encoding = (reply.header("content-encoding") or "identity").strip().lower()
    if encoding == "identity":
        return reply
    kind = Permanent if method == "GET" else Ambiguous  # a change may have been made
    raise kind(f"{target.host} answers compressed ({encoding[:20]}), which it was not asked to")
