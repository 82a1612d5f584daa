"""What a message is made of: one line in a table for each kind that Telegram has."""

from collections.abc import Callable
from typing import Any

from khronos.channels.base import Content
from khronos.channels.telegram.reading import (
    NAME_MAX,
    SHORT_MAX,
    TEXT_MAX,
    Json,
    decimal,
    items,
    needed,
    number,
    string,
)
from khronos.exceptions import Unreadable

Media = dict[str, Any]
FILE_ID_MAX = 300
LOOKED_AT_MAX_BYTES = 5 * 1024 * 1024 // 4 * 3  # Anthropic takes 5 MB, counted after base64
NUMBERS = ("file_size", "width", "height", "duration", "length")


def file_of(message: Json, name: str) -> Media:
    return described_file(needed(message, name), name)


def described_file(file: Json, kind: str) -> Media:
    media: Media = {"kind": kind, "file_id": string(file, "file_id", FILE_ID_MAX)}
    if not media["file_id"]:
        raise Unreadable(f"{kind} has no file_id")
    media["file_unique_id"] = string(file, "file_unique_id")
    for name in ("mime_type", "file_name", "title", "performer", "emoji", "set_name"):
        if value := string(file, name, NAME_MAX):
            media[name] = value
    for name in NUMBERS:
        if (amount := number(file, name)) is not None:
            media[name] = amount
    return media


def photo_of(message: Json, name: str) -> Media:
    """A photo comes in several sizes; the largest that models take is the one to look at."""
    sizes = items(message, name)
    if not sizes:
        raise Unreadable("photo has no sizes")
    fitting = [size for size in sizes if (number(size, "file_size") or 0) <= LOOKED_AT_MAX_BYTES]
    largest = max(fitting or sizes[:1], key=pixels)
    return described_file(largest, "photo")


def pixels(size: Json) -> int:
    return (number(size, "width") or 0) * (number(size, "height") or 0)


def location_of(message: Json, name: str) -> Media:
    place = needed(message, name)
    latitude, longitude = decimal(place, "latitude"), decimal(place, "longitude")
    if latitude is None or longitude is None:
        raise Unreadable("location has no coordinates")
    media: Media = {"kind": "location", "latitude": latitude, "longitude": longitude}
    if (live := number(place, "live_period")) is not None:
        media["live_period"] = live
    return media


def venue_of(message: Json, name: str) -> Media:
    venue = needed(message, name)
    media = location_of(venue, "location")
    return {
        **media,
        "kind": "venue",
        "title": string(venue, "title", NAME_MAX),
        "address": string(venue, "address", NAME_MAX),
    }


def contact_of(message: Json, name: str) -> Media:
    contact = needed(message, name)
    media: Media = {"kind": "contact", "phone_number": string(contact, "phone_number")}
    for field in ("first_name", "last_name"):
        if value := string(contact, field, NAME_MAX):
            media[field] = value
    if (user := number(contact, "user_id")) is not None:
        media["user_id"] = str(user)
    return media


def poll_of(message: Json, name: str) -> Media:
    poll = needed(message, name)
    options = [string(option, "text", NAME_MAX) for option in items(poll, "options")]
    return {"kind": "poll", "question": string(poll, "question", NAME_MAX), "options": options}


def dice_of(message: Json, name: str) -> Media:
    dice = needed(message, name)
    return {"kind": "dice", "emoji": string(dice, "emoji"), "value": number(dice, "value")}


def named_only(message: Json, name: str) -> Media:
    return {"kind": name}


# Order counts: an animation comes with a document of the same file, a venue with its location.
KINDS: dict[str, tuple[Content, Callable[[Json, str], Media]]] = {
    "photo": (Content.PHOTO, photo_of),
    "animation": (Content.VIDEO, file_of),
    "document": (Content.DOCUMENT, file_of),
    "voice": (Content.VOICE, file_of),
    "audio": (Content.VOICE, file_of),
    "video": (Content.VIDEO, file_of),
    "video_note": (Content.VIDEO, file_of),
    "sticker": (Content.STICKER, file_of),
    "venue": (Content.LOCATION, venue_of),
    "location": (Content.LOCATION, location_of),
    "contact": (Content.CONTACT, contact_of),
    "poll": (Content.OTHER, poll_of),
    "dice": (Content.OTHER, dice_of),
    "game": (Content.OTHER, named_only),
    "story": (Content.OTHER, named_only),
    "checklist": (Content.OTHER, named_only),
    "paid_media": (Content.OTHER, named_only),
    "invoice": (Content.OTHER, named_only),
    "giveaway": (Content.OTHER, named_only),
}


def content_of(message: Json) -> tuple[Content, str, Media] | None:
    """The content, the words that came with it, and what is attached; None for what nobody said."""
    if message.get("text") is not None:
        return Content.TEXT, string(message, "text", TEXT_MAX), {}
    for name, (content, read) in KINDS.items():
        if message.get(name) is not None:
            media = read(message, name)
            if album := string(message, "media_group_id", SHORT_MAX):
                media["album"] = album
            return content, string(message, "caption", TEXT_MAX), media
    return None
