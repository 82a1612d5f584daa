"""The web channel's parser, its signatures, and which addresses it may call."""

import ipaddress
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khronos.channels import kind_of
from khronos.channels.addresses import address_of, may_call
from khronos.channels.base import KEY_MAX, Account, Content, Happening
from khronos.channels.callback import CallbackTransport
from khronos.channels.signature import TOLERANCE_S, is_signed, sign
from khronos.channels.web import KIND, TEXT_MAX
from khronos.exceptions import Permanent, Unreadable

ACCOUNT = Account(slug="site", secret="hush")
GOOD: dict[str, Any] = {
    "id": "a-1",
    "chat": "order-7",
    "sender": {"id": "ana", "name": "Ana", "language": "pt-BR"},
    "text": "Olá",
    "type": "message",
}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=200),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
bodies = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("id", "chat", "sender", "text", "type", "message_id"), anything)
)


def raw(**changes: Any) -> bytes:
    return json.dumps(GOOD | changes).encode()


def test_the_channel_is_in_the_table() -> None:
    assert kind_of("web") is KIND


def test_message_is_understood() -> None:
    incoming = KIND.parse(raw(), ACCOUNT)
    assert incoming.happening is Happening.MESSAGE
    assert (incoming.chat_id, incoming.text, incoming.content) == ("order-7", "Olá", Content.TEXT)
    assert incoming.sender is not None
    assert (incoming.sender.id, incoming.sender.name, incoming.sender.language) == ("ana", "Ana", "pt-BR")
    assert incoming.message_id == "a-1"


def test_identity_is_the_senders_own_id() -> None:
    identity = KIND.identify(raw())
    assert (identity.key, identity.chat, identity.sender) == ("a-1", "order-7", "ana")


def test_numbers_are_ids_too() -> None:
    identity = KIND.identify(raw(id=7, chat=8, sender={"id": 9}))
    assert (identity.key, identity.chat, identity.sender) == ("7", "8", "9")


def test_without_a_sender_the_chat_is_the_sender() -> None:
    body = json.dumps({name: GOOD[name] for name in ("id", "chat", "text")}).encode()
    assert KIND.identify(body).sender == "order-7"
    assert KIND.parse(body, ACCOUNT).sender is not None


def test_edit_names_the_message_that_it_changes() -> None:
    incoming = KIND.parse(raw(id="a-2", type="edit", message_id="a-1", text="Oi"), ACCOUNT)
    assert (incoming.happening, incoming.message_id, incoming.text) == (Happening.EDIT, "a-1", "Oi")


def test_edit_of_nothing_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="message_id"):
        KIND.parse(raw(type="edit"), ACCOUNT)


def test_button_can_be_answered() -> None:
    incoming = KIND.parse(raw(type="button", text="/human"), ACCOUNT)
    assert (incoming.happening, incoming.callback_id) == (Happening.BUTTON, "a-1")


@pytest.mark.parametrize("changes", [{"type": "dance"}, {"type": 7}, {"text": " \n"}, {"text": None}])
def test_what_we_have_no_use_for_is_ignored_with_a_reason(changes: dict[str, Any]) -> None:
    incoming = KIND.parse(raw(**changes), ACCOUNT)
    assert incoming.happening is Happening.IGNORED
    assert incoming.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None}, {"id": ""}, {"id": True}, {"id": 1.5}, {"id": {}}, {"id": "a\x00"},
        {"chat": None}, {"chat": ""}, {"chat": "x" * 101}, {"chat": "a\ud800"}, {"chat": []},
        {"sender": {"id": "x" * 101}}, {"sender": {"id": False}},
    ],
)  # fmt: skip
def test_an_id_is_taken_as_it_is_or_not_at_all(changes: dict[str, Any]) -> None:
    body = raw(**changes)
    with pytest.raises(Unreadable):
        KIND.parse(body, ACCOUNT)
    identity = KIND.identify(body)
    assert identity.key.startswith("sha256:")
    assert (identity.chat, identity.sender) == (None, None)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"7", b'"x"', b"{", b"\xff\xfe\x00", b"[" * 100_000, b'{"id":' * 50_000,
     b'{"id": ' + b"9" * 5000 + b"}", b'{"chat": NaN}'],
)  # fmt: skip
def test_unreadable_bytes_are_known_by_their_hash(body: bytes) -> None:
    identity = KIND.identify(body)
    assert identity.key.startswith("sha256:")
    assert len(identity.key) <= KEY_MAX
    with pytest.raises(Unreadable):
        KIND.parse(body, ACCOUNT)


def test_long_id_is_known_by_its_hash_and_two_of_them_differ() -> None:
    one, other = KIND.identify(raw(id="x" * 500 + "1")), KIND.identify(raw(id="x" * 500 + "2"))
    assert one.key != other.key
    assert {len(one.key), len(other.key)} == {71}
    assert one.chat == "order-7"


def test_text_is_cleaned_of_what_cannot_be_stored_and_bounded() -> None:
    incoming = KIND.parse(raw(text="a\x00b\ud800c" + "x" * TEXT_MAX), ACCOUNT)
    assert incoming.text.startswith("abcx")
    assert len(incoming.text) == TEXT_MAX
    incoming.text.encode()


@given(st.binary(max_size=400))
def test_identify_never_raises(body: bytes) -> None:
    assert 0 < len(KIND.identify(body).key) <= KEY_MAX


@given(bodies)
def test_parse_raises_nothing_but_unreadable_and_agrees_with_identify(body: dict[str, Any]) -> None:
    encoded = json.dumps(body).encode()
    identity = KIND.identify(encoded)
    try:
        incoming = KIND.parse(encoded, ACCOUNT)
    except Unreadable:
        return
    assert incoming.sender is not None
    assert (identity.chat, identity.sender) == (incoming.chat_id, incoming.sender.id)
    for text in (identity.key, incoming.text, incoming.sender.name, incoming.reason, incoming.message_id):
        assert "\x00" not in text
        text.encode()


def test_signature_holds_for_its_time_and_content_alone() -> None:
    signature = sign("hush", "1000", b"body")
    assert is_signed(["hush"], "1000", signature, b"body", now=1000.0)
    assert is_signed(["new", "hush"], "1000", signature, b"body", now=1000.0 + TOLERANCE_S)
    assert not is_signed(["hush"], "1000", signature, b"body", now=1001.0 + TOLERANCE_S)
    assert not is_signed(["hush"], "1000", signature, b"body", now=999.0 - TOLERANCE_S)
    assert not is_signed(["hush"], "1001", signature, b"body", now=1000.0)
    assert not is_signed(["hush"], "1000", signature, b"other", now=1000.0)
    assert not is_signed(["wrong"], "1000", signature, b"body", now=1000.0)


@pytest.mark.parametrize("timestamp", ["", "x", "-1", "1e3", "1000.0", "١٠٠٠", "9" * 30, " 1000"])
def test_odd_timestamp_is_refused(timestamp: str) -> None:
    assert not is_signed(["hush"], timestamp, sign("hush", timestamp, b""), b"", now=1000.0)


@pytest.mark.parametrize("secrets", [[], [""], ["", ""]])
def test_without_a_secret_nothing_is_signed(secrets: list[str]) -> None:
    assert not is_signed(secrets, "1000", sign("", "1000", b""), b"", now=1000.0)


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=é", "\ud800"])
def test_odd_signature_is_refused(signature: str) -> None:
    assert not is_signed(["hush"], "1000", signature, b"", now=1000.0)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
     "224.0.0.1", "::1", "::", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1",
     "64:ff9b::a00:1", "2002:a00:1::"],
)  # fmt: skip
def test_private_address_is_not_called(address: str) -> None:
    assert not may_call(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_address_is_called(address: str) -> None:
    assert may_call(ipaddress.ip_address(address))


def test_a_network_can_be_allowed_and_no_other_is_by_that() -> None:
    allowed = ["127.0.0.0/8"]
    assert address_of("127.0.0.1", 80, allowed) == "127.0.0.1"
    assert may_call(ipaddress.ip_address("::ffff:127.0.0.1"), allowed)
    with pytest.raises(Permanent, match="private"):
        address_of("10.0.0.1", 80, allowed)


@pytest.mark.parametrize("url", ["ftp://x.example/", "nonsense", "http://", "http://h:99999/", "http://[::1"])
def test_address_that_is_none_is_a_permanent_failure(url: str) -> None:
    with pytest.raises(Permanent):
        CallbackTransport(url, "hush").send("c", "t")


def test_without_a_callback_answers_are_pulled() -> None:
    transport = KIND.transport(ACCOUNT)
    assert transport.pulled
    assert transport.send("c", "t") == ""
    assert not KIND.transport(Account(slug="s", options={"callback_url": "https://x.example"})).pulled
