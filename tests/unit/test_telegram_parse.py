"""What Telegram sends, in our words."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from khronos.channels.base import Account, Content, Happening, Incoming, Sender
from khronos.channels.telegram import KIND
from tests.unit.telegram_payloads import ACCOUNT, ANA, GROUP, PAYLOADS, of, parsed

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
