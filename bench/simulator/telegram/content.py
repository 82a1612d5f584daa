"""What a message may hold, in the form in which it arrives at a bot."""

import re

from bench.simulator.telegram.bot import StoredFile

ENTITY = re.compile(
    r"(?P<bot_command>(?<!\S)/[A-Za-z0-9_]+(?:@\w+)?)|(?P<mention>@\w+)|(?P<url>https?://\S+)"
)

type Content = dict[str, object]


def text(value: str) -> Content:
    content: Content = {"text": value}
    if found := entities(value):
        content["entities"] = found
    return content


def caption(value: str) -> Content:
    return {"caption": value} if value else {}


def entities(value: str) -> list[dict[str, object]]:
    """Commands, mentions and addresses; offsets count UTF-16 units, as Telegram's do."""
    return [
        {
            "type": match.lastgroup,
            "offset": _units(value[: match.start()]),
            "length": _units(match.group()),
        }
        for match in ENTITY.finditer(value)
    ]


def _units(value: str) -> int:
    return len(value.encode("utf-16-le", "surrogatepass")) // 2


def photo(stored: StoredFile) -> Content:
    small = {**stored.described(), "file_id": stored.file_id, "width": 90, "height": 67}
    return {"photo": [small, {**stored.described(), "width": 1280, "height": 960}]}


def document(stored: StoredFile, name: str, mime_type: str) -> Content:
    return {"document": {**stored.described(), "file_name": name, "mime_type": mime_type}}


def audio(stored: StoredFile, seconds: int, title: str, mime_type: str) -> Content:
    return {"audio": {**stored.described(), "duration": seconds, "title": title, "mime_type": mime_type}}


def video_note(stored: StoredFile, seconds: int) -> Content:
    return {"video_note": {**stored.described(), "duration": seconds, "length": 240}}


def video(stored: StoredFile, seconds: int) -> Content:
    shape = {"width": 640, "height": 480, "mime_type": "video/mp4"}
    return {"video": {**stored.described(), "duration": seconds, **shape}}


def voice(stored: StoredFile, seconds: int) -> Content:
    return {"voice": {**stored.described(), "duration": seconds, "mime_type": "audio/ogg"}}


def location(latitude: float, longitude: float) -> Content:
    return {"location": {"latitude": latitude, "longitude": longitude}}


def contact(phone: str, first_name: str) -> Content:
    return {"contact": {"phone_number": phone, "first_name": first_name}}


def sticker(stored: StoredFile, emoji: str) -> Content:
    shape = {"width": 512, "height": 512, "is_animated": False, "is_video": False, "type": "regular"}
    return {"sticker": {**stored.described(), **shape, "emoji": emoji, "set_name": "Simulated"}}
