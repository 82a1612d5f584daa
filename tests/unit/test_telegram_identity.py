"""The key of an update: never an exception, never slow, whatever the bytes."""

import json
import time
from hashlib import sha256
from typing import Any

import pytest

from khronos.channels.base import Identity
from khronos.channels.telegram import KIND
from khronos.exceptions import Unreadable
from tests.unit.telegram_payloads import ACCOUNT, GROUP, PAYLOADS, parsed


def hashed(raw: bytes) -> Identity:
    return Identity(f"sha256:{sha256(raw).hexdigest()}")


@pytest.mark.parametrize("name", PAYLOADS)
def test_key_is_the_update_id(name: str) -> None:
    assert KIND.identify(PAYLOADS[name]).key == str(json.loads(PAYLOADS[name])["update_id"])


@pytest.mark.parametrize("name", PAYLOADS)
def test_identity_and_parser_agree_on_the_chat(name: str) -> None:
    incoming = parsed(name)
    if incoming.chat_id:
        assert KIND.identify(PAYLOADS[name]).chat == incoming.chat_id
        assert incoming.sender is not None
        assert KIND.identify(PAYLOADS[name]).sender == incoming.sender.id


def test_a_topic_of_a_forum_is_a_chat_of_its_own() -> None:
    assert KIND.identify(PAYLOADS["forum_mention"]).chat == "-1001555555555:3"
    assert KIND.identify(PAYLOADS["group_thread_of_replies"]).chat == GROUP


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not json",
        b"null",
        b"[]",
        b'"update_id"',
        b"17",
        b"{}",
        b'{"update_id": true}',
        b'{"update_id": "1"}',
        b'{"update_id": 1.0}',
        b'{"update_id": null}',
        b'{"update_id": -1}',
        b'{"update_id": 9007199254740992}',
        b'{"update_id": ' + b"9" * 5000 + b"}",
        b'{"update_id": NaN}',
        b'{"update_id": 1',
        b'{"update_id": 1}\xff',
        b'{"update_id": 1, "message": {"text": "\xff"}}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"update_id": 1, "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"\x00" * 1000,
    ],
    ids=range(22),
)
def test_what_has_no_update_id_is_known_by_its_hash(raw: bytes) -> None:
    assert KIND.identify(raw) == hashed(raw)
    with pytest.raises(Unreadable):
        KIND.parse(raw, ACCOUNT)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"update_id": 5, "message": {"text": "\\ud800", "chat": {"id": 7}, "from": {"id": 8}}}',
        b'{"update_id": 5, "message": {"text": "\\u0000", "chat": {"id": 7}, "from": {"id": 8}}}',
        b'{"update_id": 5, "message": {"n": NaN, "chat": {"id": 7}, "from": {"id": 8}}}',
        b'{"update_id": 5, "message": {"n": ' + b"9" * 1000 + b', "chat": {"id": 7}, "from": {"id": 8}}}',
    ],
)
def test_oddities_within_a_message_do_not_hide_whose_it_is(raw: bytes) -> None:
    assert KIND.identify(raw) == Identity("5", "7", "8")


@pytest.mark.parametrize(
    "chat", [None, "7", 7.5, True, [], {}, {"id": None}, {"id": "7"}, {"id": True}, {"id": 2**63}]
)
def test_an_odd_chat_is_no_chat(chat: Any) -> None:
    assert KIND.identify(json.dumps({"update_id": 5, "message": {"chat": chat}}).encode()) == Identity("5")


def test_identity_of_a_megabyte_is_quick() -> None:
    raw = json.dumps(
        {"update_id": 1, "message": {"chat": {"id": 7}, "x": [["\ud800", 1.5]] * 50_000}}
    ).encode()
    started = time.process_time()
    assert KIND.identify(raw).chat == "7"
    assert time.process_time() - started < 0.5
