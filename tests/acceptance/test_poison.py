"""Whatever bytes come with the right secret: no 5xx, no restart, and nobody else waits."""

import http.client
import json
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.environment import SECRET
from bench.instance import Instance
from bench.patience import until
from tests.acceptance.stage import Stage, exact, figures

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
HEADERS = {SECRET_HEADER: SECRET, "Content-Type": "application/json"}
BIG = 1024 * 1024
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**63,
    1e308,
    "",
    "x",
    "\x00",
    "\ud800",
    [],
    [[]],
    {},
    {"id": {}},
    [None],
    "9" * 5000,
)
MESSAGE = {
    "message_id": 1,
    "date": 1,
    "chat": {"id": 5, "type": "private", "first_name": "Eve"},
    "from": {"id": 5, "is_bot": False, "first_name": "Eve", "language_code": "en"},
    "text": "hello",
}
KINDS = (
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "channel_post",
    "poll",
    "no_such_kind",
)
RAW = (
    b"", b"\x00", b"null", b"[]", b"{}", b"1", b'"x"', b"nonsense", b"{", b"\xff\xfe", b"\xef\xbb\xbf{}",
    b"[" * 100_000, b'{"a":' * 20_000 + b"1" + b"}" * 20_000, b"[" * 400_000 + b"]" * 400_000,
    b'{"update_id": ' + b"9" * 5000 + b"}", b'{"update_id": 1e999}', b'{"update_id": NaN}',
    b'{"update_id": -Infinity}', b'{"update_id": 900000001, "update_id": "twice"}',
    b'{"update_id": 900000002, "message": {"text": "\\ud800"}}',
    b'{"update_id": 900000003, "message": {"text": "\\u0000"}}', b'{"update_id": 900000004}' + b" " * 1000,
)  # fmt: skip


def nasties(chat: int) -> Iterator[bytes]:
    """The same update with one field after another of the wrong kind, in a chat that others write in."""
    yield from RAW
    number = 910_000_000
    good = MESSAGE | {"chat": {**MESSAGE["chat"], "id": chat}}  # type: ignore[dict-item]
    for field in [
        *MESSAGE,
        "entities",
        "photo",
        "voice",
        "document",
        "location",
        "contact",
        "sticker",
        "reply_to_message",
    ]:
        for odd in ODD:
            number += 1
            yield json.dumps({"update_id": number, "message": good | {field: odd}}).encode()
    for kind in KINDS:
        for odd in ODD:
            number += 1
            yield json.dumps({"update_id": number, kind: odd}).encode()
    yield json.dumps({"update_id": number + 1, "message": good | {"text": "long " * 100_000}}).encode()


def post(
    khronos: Instance,
    raw: bytes | Iterable[bytes],
    secret: str = SECRET,
    path: str = "/webhooks/telegram/default/",
) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", khronos.port, timeout=30)) as connection:
        headers = HEADERS | {SECRET_HEADER: secret}
        connection.request("POST", path, raw, headers)
        response = connection.getresponse()
        response.read()
        return response.status


def test_crafted_poison_blocks_nobody(stage: Stage) -> None:
    restarts = stage.restarts()
    stage.play(10, 6, arrival="paced", rate=20)
    stage.after(5)
    chat = min(update.chat_id for update in stage.world.telegram.updates())
    poison = list(nasties(chat))
    assert {post(stage.khronos, raw) for raw in poison} == {200}
    verdict = stage.finish(60)
    assert figures(verdict) == exact(60)
    assert stage.count("update") == 60 + len(set(poison))
    assert stage.count("update", "state = 'quarantined' AND reason = ''") == 0
    assert stage.count("update", "state = 'quarantined'") > len(RAW) / 2
    assert troubles(stage) == {}
    assert stage.restarts() == restarts


def test_made_up_poison_blocks_nobody(stage: Stage) -> None:
    restarts = stage.restarts()
    statuses: set[int] = set()
    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=12,
    )
    messages = st.fixed_dictionaries(
        {}, optional=dict.fromkeys([*MESSAGE, "entities", "photo", "voice"], json_values)
    )
    updates = st.fixed_dictionaries(
        {"update_id": st.integers()}, optional=dict.fromkeys(KINDS, messages | json_values)
    )

    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(
        st.binary(max_size=2000) | st.builds(lambda value: json.dumps(value).encode(), updates | json_values)
    )
    def attack(raw: bytes) -> None:
        statuses.add(post(stage.khronos, raw))

    stage.play(10, 6, arrival="paced", rate=20)
    attack()
    assert statuses == {200}
    assert figures(stage.finish(60)) == exact(60)
    assert stage.count("update", "state = 'quarantined' AND reason = ''") == 0
    assert troubles(stage) == {}
    assert stage.restarts() == restarts


def test_wrong_secret_and_wrong_size_are_refused_and_stored_nowhere(stage: Stage) -> None:
    assert post(stage.khronos, b"{}", "wrong") == 403
    assert post(stage.khronos, b"{}", "") == 403
    assert post(stage.khronos, b" " * (BIG + 1)) == 413
    assert stage.count("update") == 0


def test_bodies_in_chunks_are_stored_as_they_were_meant(stage: Stage) -> None:
    """Tunnels and proxies tell no length; an iterable is sent in chunks."""
    whole = json.dumps({"update_id": 920_000_001, "message": MESSAGE}).encode()
    assert post(stage.khronos, (whole[at : at + 7] for at in range(0, len(whole), 7))) == 200
    assert post(stage.khronos, (b" " * 65536 for _ in range(32))) == 413
    assert stage.count("update") == 1
    assert stage.count("update", "key = '920000001'") == 1


def test_a_web_message_in_chunks_may_be_as_large_as_its_files(stage: Stage) -> None:
    """It is read whole: whose it is can be told only then."""
    for pieces, answer in ((32, 404), (160, 413)):  # 2 MB and 10
        chunks = (b" " * 65536 for _ in range(pieces))
        assert post(stage.khronos, chunks, path="/webhooks/web/nowhere/") == answer
    assert stage.count("update") == 0


def test_body_that_is_cut_off_is_not_stored(stage: Stage) -> None:
    head = f"POST /webhooks/telegram/default/ HTTP/1.1\r\nHost: x\r\n{SECRET_HEADER}: {SECRET}\r\n"
    with socket.create_connection(("127.0.0.1", stage.khronos.port), timeout=30) as sender:
        sender.sendall(f'{head}Content-Length: 900\r\n\r\n{{"update_id": 9'.encode())
        sender.shutdown(socket.SHUT_WR)
        assert sender.recv(1000).startswith(b"HTTP/1.1 400 ")
    assert stage.count("update") == 0


def test_flood_from_many_sides_is_answered_in_full(stage: Stage) -> None:
    """More connections at once than the server has threads."""
    statuses: list[int] = []
    senders = [
        threading.Thread(
            target=lambda n=n: statuses.extend(
                post(stage.khronos, b"flood %d" % (n * 100 + i)) for i in range(20)
            )
        )
        for n in range(60)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert set(statuses) <= {200, 503}
    assert stage.count("update") == statuses.count(200)
    assert until(lambda: stage.count("update", "state = 'received'") == 0, 30)


def troubles(stage: Stage) -> dict[str, int]:
    """Poison is quarantined; what looks like a message of a stranger cannot be delivered to one."""
    expected = ("quarantined updates", "failed deliveries")
    return {name: count for name, count in stage.troubles().items() if count and name not in expected}
