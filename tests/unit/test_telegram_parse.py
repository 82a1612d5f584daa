"""What Telegram sends, in our words; and that nothing it might send can break us."""

import json
import time
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khronos.channels.base import Account, Content, Happening, Identity, Incoming, Sender
from khronos.channels.telegram import KIND
from khronos.exceptions import Unreadable

PAYLOADS = {
    path.stem: path.read_bytes() for path in (Path(__file__).parent.parent / "payloads").glob("*.json")
}
ACCOUNT = Account("default", token="424242:simulated-token", username="khronos_bot")
ANA = "5501234567"
GROUP = "-1001987654321"


def parsed(name: str, account: Account = ACCOUNT) -> Incoming:
    return KIND.parse(PAYLOADS[name], account)


def of(**message: Any) -> bytes:
    base = {"message_id": 1, "date": 1_790_000_000, "chat": {"id": 7, "type": "private"}, "from": {"id": 7}}
    return json.dumps({"update_id": 1, "message": base | message}).encode()


def hashed(raw: bytes) -> Identity:
    return Identity(f"sha256:{sha256(raw).hexdigest()}")


# Identity


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


# Messages


def test_text() -> None:
    assert parsed("text") == Incoming(
        Happening.MESSAGE,
        chat_id=ANA,
        sender=Sender(ANA, "Ana Souza", "anasouza", "pt-br"),
        message_id="101",
        text="Olá! Quero saber do meu pedido nº 1042 😀",
        sent_at=datetime(2026, 9, 23, 10, 40, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("name", "content", "text", "media"),
    [
        ("command_start", Content.TEXT, "/start promo2026", {}),
        ("forwarded_text", Content.TEXT, "Is the shop open on Sunday?", {}),
        ("reply_with_quote", Content.TEXT, "Sundays too?", {}),
        ("photo_with_caption", Content.PHOTO, "O bolo chegou assim", {"kind": "photo", "width": 1280}),
        ("album_photo", Content.PHOTO, "", {"album": "13579246801357924", "width": 800}),
        ("document", Content.DOCUMENT, "", {"file_name": "nota fiscal.pdf", "mime_type": "application/pdf"}),
        (
            "voice",
            Content.VOICE,
            "",
            {"kind": "voice", "duration": 7, "mime_type": "audio/ogg", "file_size": 1008},
        ),
        ("audio", Content.VOICE, "", {"kind": "audio", "title": "Aquarela", "performer": "Toquinho"}),
        ("video", Content.VIDEO, "Look", {"kind": "video", "width": 848, "height": 480, "duration": 12}),
        ("video_note", Content.VIDEO, "", {"kind": "video_note", "length": 384}),
        ("animation", Content.VIDEO, "", {"kind": "animation", "file_name": "cat.mp4"}),
        ("sticker", Content.STICKER, "", {"kind": "sticker", "emoji": "👍", "set_name": "HotCherry"}),
        ("location", Content.LOCATION, "", {"latitude": -23.561414, "longitude": -46.655881}),
        ("live_location", Content.LOCATION, "", {"kind": "location", "live_period": 900}),
        (
            "venue",
            Content.LOCATION,
            "",
            {"kind": "venue", "title": "Mercado Municipal", "latitude": -23.5489},
        ),
        ("contact", Content.CONTACT, "", {"phone_number": "+5511999990000", "user_id": "5507654321"}),
        ("poll", Content.OTHER, "", {"question": "Which cake?", "options": ["Chocolate", "Carrot"]}),
        ("dice", Content.OTHER, "", {"kind": "dice", "emoji": "🎲", "value": 4}),
        ("story", Content.OTHER, "", {"kind": "story"}),
    ],
)
def test_kinds_of_messages(name: str, content: Content, text: str, media: dict[str, Any]) -> None:
    incoming = parsed(name)
    assert (incoming.happening, incoming.content, incoming.text) == (Happening.MESSAGE, content, text)
    assert media.items() <= incoming.media.items()
    assert incoming.addressed


def test_the_largest_photo_is_taken() -> None:
    assert parsed("photo_with_caption").media["file_unique_id"] == "AQADuniq3"


@pytest.mark.parametrize(
    ("name", "text"),
    [("edited_text", "Quero saber do meu pedido nº 1043"), ("edited_caption", "Now with the right words")],
)
def test_edits_come_with_the_time_of_the_edit(name: str, text: str) -> None:
    incoming = parsed(name)
    assert (incoming.happening, incoming.text) == (Happening.EDIT, text)
    assert incoming.sent_at is not None
    assert incoming.sent_at > datetime(2026, 9, 23, 10, 40, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "data"), [("button", "helped:yes"), ("button_of_inaccessible_message", "helped:no")]
)
def test_a_pressed_button_is_its_data(name: str, data: str) -> None:
    incoming = parsed(name)
    assert (incoming.happening, incoming.text, incoming.chat_id) == (Happening.BUTTON, data, ANA)
    assert incoming.callback_id.startswith("236256789012345")
    assert incoming.sender is not None
    assert incoming.sender.id == ANA


# Groups


@pytest.mark.parametrize(
    ("name", "addressed"),
    [
        ("group_mention", True),
        ("group_text_mention", True),
        ("group_mention_of_another", False),
        ("group_chatter", False),
        ("group_reply_to_us", True),
        ("group_reply_to_another", False),
        ("group_command", True),
        ("group_command_for_us", True),
        ("group_command_for_another", False),
        ("group_photo_mention", True),
        ("group_thread_of_replies", True),
        ("forum_mention", True),
        ("forum_chatter", False),
        ("anonymous_admin", True),
    ],
)
def test_in_a_group_only_what_is_meant_for_us_is_answered(name: str, addressed: bool) -> None:
    incoming = parsed(name)
    assert incoming.happening is Happening.MESSAGE
    assert incoming.addressed is addressed


def test_a_bot_without_a_known_name_still_hears_replies() -> None:
    nameless = Account("default", token="424242:simulated-token")
    assert parsed("group_reply_to_us", nameless).addressed
    assert parsed("group_text_mention", nameless).addressed
    assert not parsed("group_mention", nameless).addressed


def test_an_anonymous_administrator_has_the_group_s_name() -> None:
    sender = parsed("anonymous_admin").sender
    assert sender is not None
    assert (sender.id, sender.name) == ("1087968824", "Padaria da Esquina")


def test_group_has_its_title() -> None:
    assert (parsed("group_chatter").chat_type, parsed("group_chatter").chat_title) == (
        "supergroup",
        "Padaria da Esquina",
    )


# Other happenings


@pytest.mark.parametrize(
    ("name", "happening"), [("blocked", Happening.BLOCKED), ("unblocked", Happening.UNBLOCKED)]
)
def test_a_person_who_blocks_us_and_comes_back(name: str, happening: Happening) -> None:
    incoming = parsed(name)
    assert (incoming.happening, incoming.chat_id) == (happening, ANA)


def test_a_group_that_became_a_supergroup() -> None:
    incoming = parsed("migrated")
    assert (incoming.happening, incoming.chat_id) == (Happening.MIGRATED, "-4012345678")
    assert incoming.new_chat_id == GROUP


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("added_to_group", "our standing in the chat is now member"),
        ("business_message", "updates of kind business_message are not for us"),
        ("button_of_inline_message", "a button without a message of ours or without data"),
        ("channel_post", "updates of kind channel_post are not for us"),
        ("linked_channel_post", "forwarded by Telegram from the linked channel"),
        (
            "members_joined",
            "a message with new_chat_member, new_chat_members, new_chat_participant says nothing",
        ),
        ("message_of_a_future_kind", "a message with hologram says nothing to us"),
        ("migrated_from", "a message with migrate_from_chat_id says nothing to us"),
        ("pre_checkout", "updates of kind pre_checkout_query are not for us"),
        ("reaction", "updates of kind message_reaction are not for us"),
    ],
)
def test_what_is_not_for_us_is_ignored_with_a_reason(name: str, reason: str) -> None:
    incoming = parsed(name)
    assert incoming.happening is Happening.IGNORED
    assert incoming.reason.startswith(reason)


def test_other_bots_are_not_answered() -> None:
    assert KIND.parse(of(text="hi", **{"from": {"id": 9, "is_bot": True}}), ACCOUNT).reason == "sent by a bot"


def test_every_payload_has_a_test() -> None:
    source = Path(__file__).read_text()
    assert [name for name in PAYLOADS if f'"{name}"' not in source] == []


# Distrust


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


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(sorted(PAYLOADS)), st.data())
def test_one_wrong_value_anywhere_is_understood_or_unreadable(name: str, data: st.DataObject) -> None:
    payload = json.loads(PAYLOADS[name])
    path = data.draw(st.sampled_from(spots(payload)))
    check(json.dumps(replaced(payload, path, data.draw(odd_values))).encode())


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_understood_or_unreadable(raw: bytes) -> None:
    check(raw)


@settings(deadline=None)
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
