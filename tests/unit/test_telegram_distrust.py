"""Whatever might come under Telegram's name is understood or unreadable; nothing breaks us."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khronos.channels.telegram import KIND
from khronos.exceptions import Unreadable
from tests.unit.telegram_payloads import ACCOUNT, PAYLOADS, of


def test_strings_are_cleaned_of_what_a_database_refuses() -> None:
    incoming = KIND.parse(
        of(text="a\0b\ud800c😀", chat={"id": 7, "type": "private", "title": "\0x"}), ACCOUNT
    )
    assert (incoming.text, incoming.chat_title) == ("abc😀", "x")


def test_strings_are_no_longer_than_their_columns() -> None:
    user = {
        "id": 7,
        "first_name": "x" * 900,
        "last_name": "y",
        "username": "z" * 900,
        "language_code": "w" * 90,
    }
    incoming = KIND.parse(of(text="t" * 200_000, **{"from": user}), ACCOUNT)
    assert incoming.sender is not None
    assert len(incoming.text) == 100_000
    assert len(incoming.sender.name) == 300
    assert len(incoming.sender.username) == 100
    assert len(incoming.sender.language) == 20


@pytest.mark.parametrize("date", [10**12, 10**18, -(10**18), 0])
def test_a_date_outside_of_the_calendar_is_no_date(date: int) -> None:
    assert KIND.parse(of(text="hi", date=date), ACCOUNT).sent_at is None


def test_offsets_count_what_is_cleaned_away() -> None:
    entities = [{"type": "mention", "offset": 2, "length": 12}]
    group = {"id": -7, "type": "group"}
    assert KIND.parse(of(text="\0\0@khronos_bot", entities=entities, chat=group), ACCOUNT).addressed


@pytest.mark.parametrize(("offset", "length"), [(-1, 5), (5, -1), (2**62, 2**62), (0, 10**6)])
def test_offsets_outside_of_the_text_point_at_nothing(offset: int, length: int) -> None:
    entities = [{"type": "mention", "offset": offset, "length": length}]
    group = {"id": -7, "type": "group"}
    assert not KIND.parse(of(text="hello there", entities=entities, chat=group), ACCOUNT).addressed


@pytest.mark.parametrize(
    "odd",
    [
        {"text": 7},
        {"text": []},
        {"chat": None},
        {"chat": "7"},
        {"chat": {"id": "7"}},
        {"chat": {"id": 7, "type": 1}},
        {"from": []},
        {"from": {"id": None}},
        {"from": {"id": 7, "first_name": 1}},
        {"message_id": None},
        {"message_id": "1"},
        {"date": "now"},
        {"photo": []},
        {"photo": [1]},
        {"voice": {}},
        {"voice": {"file_id": "x", "duration": "7"}},
        {"location": {"latitude": 1}},
        {"location": {"latitude": float("nan"), "longitude": 0}},
        {"location": {"latitude": float("inf"), "longitude": 0}},
        {"contact": 1},
        {"text": "hi", "chat": {"id": -7, "type": "group"}, "entities": {}},
        {"text": "hi", "chat": {"id": -7, "type": "group"}, "entities": [{"type": "mention", "offset": "0"}]},
        {"text": "hi", "chat": {"id": -7, "type": "group"}, "reply_to_message": {"from": 1}},
        {"text": "hi", "is_topic_message": 1, "message_thread_id": 1},
        {"migrate_to_chat_id": "-1"},
    ],
    ids=range(25),
)
def test_wrong_types_are_unreadable(odd: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        KIND.parse(of(**odd), ACCOUNT)


odd_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    st.just([{}]),
    st.just([1]),
    st.just({"id": 1}),
    st.sampled_from([2**63, -(2**70), 10**30, "\0", "\ud800", float("nan")]),
)


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [spot for key, inner in pairs for spot in [(*path, key), *spots(inner, (*path, key))]]


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    if not path:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


@settings(max_examples=400)
@given(st.sampled_from(sorted(PAYLOADS)), st.data())
def test_one_wrong_value_anywhere_is_understood_or_unreadable(name: str, data: st.DataObject) -> None:
    payload = json.loads(PAYLOADS[name])
    path = data.draw(st.sampled_from(spots(payload)))
    check(json.dumps(replaced(payload, path, data.draw(odd_values))).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_understood_or_unreadable(raw: bytes) -> None:
    check(raw)


@given(
    st.recursive(
        odd_values,
        lambda inner: st.dictionaries(
            st.sampled_from(["update_id", "message", "chat", "from", "id", "text", "entities", "photo", "x"]),
            inner,
        ),
    )
)
def test_any_json_is_understood_or_unreadable(value: Any) -> None:
    check(json.dumps(value).encode())


def check(raw: bytes) -> None:
    identity = KIND.identify(raw)
    assert len(identity.key) <= 80
    try:
        incoming = KIND.parse(raw, ACCOUNT)
    except Unreadable:
        return
    assert identity.key.isdecimal()
    assert identity.chat == (incoming.chat_id or identity.chat)
    stored = json.dumps(
        [incoming.text, incoming.chat_title, dict(incoming.media), incoming.reason], allow_nan=False
    )
    assert "\\u0000" not in stored
    assert "\\ud800" not in stored
