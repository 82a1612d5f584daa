"""What people do in their chats; each deed becomes an update for the bot."""

import functools
import time
from abc import ABC, abstractmethod

from bench.simulator.home import Home, at_home
from bench.simulator.telegram import content
from bench.simulator.telegram.bot import Bot
from bench.simulator.telegram.chat import Chat, Message, Version
from bench.simulator.telegram.content import Content
from bench.simulator.telegram.ledger import Update
from bench.simulator.telegram.pictures import PHOTO


class People(ABC):
    """The people's side of the fake. A chat comes into being when someone first writes in it."""

    home: Home

    @abstractmethod
    def bot(self, token: str | None = None) -> Bot:
        """The bot with this token; without one, the bot that was added last."""

    @abstractmethod
    def _enqueue(
        self, bot: Bot, kind: str, payload: dict[str, object], chat_id: int, text: str = ""
    ) -> Update: ...

    @at_home
    def say(
        self,
        chat_id: int,
        text: str,
        *,
        sender: int | None = None,
        reply_to: int | None = None,
        token: str | None = None,
    ) -> Update:
        """Write a text. In a group give the `sender`; mention the bot by `@username` in the text."""
        return self._write(chat_id, "text", content.text(text), text, sender, reply_to, token)

    @at_home
    def photo(
        self, chat_id: int, caption: str = "", image: bytes = PHOTO, *, token: str | None = None
    ) -> Update:
        stored = self.bot(token).store_file("photos", "photo.jpg", image)
        return self._write(
            chat_id, "photo", content.photo(stored) | content.caption(caption), caption, None, None, token
        )

    @at_home
    def document(
        self,
        chat_id: int,
        name: str,
        data: bytes = b"",
        caption: str = "",
        *,
        mime_type: str = "text/plain",
        token: str | None = None,
    ) -> Update:
        stored = self.bot(token).store_file("documents", name, data)
        body = content.document(stored, name, mime_type) | content.caption(caption)
        return self._write(chat_id, "document", body, caption, None, None, token)

    @at_home
    def voice(
        self, chat_id: int, sound: bytes = b"OggS", *, seconds: int = 3, token: str | None = None
    ) -> Update:
        stored = self.bot(token).store_file("voice", "voice.oga", sound)
        return self._write(chat_id, "voice", content.voice(stored, seconds), "", None, None, token)

    @at_home
    def audio(
        self, chat_id: int, sound: bytes = b"ID3", *, seconds: int = 3, token: str | None = None
    ) -> Update:
        stored = self.bot(token).store_file("music", "song.mp3", sound)
        body = content.audio(stored, seconds, "A song", "audio/mpeg")
        return self._write(chat_id, "audio", body, "", None, None, token)

    @at_home
    def video_note(
        self, chat_id: int, film: bytes = b"\0\0\0\x18ftyp", *, seconds: int = 3, token: str | None = None
    ) -> Update:
        stored = self.bot(token).store_file("video_notes", "note.mp4", film)
        return self._write(chat_id, "video_note", content.video_note(stored, seconds), "", None, None, token)

    @at_home
    def video(
        self,
        chat_id: int,
        film: bytes = b"\0\0\0\x18ftyp",
        caption: str = "",
        *,
        seconds: int = 3,
        token: str | None = None,
    ) -> Update:
        stored = self.bot(token).store_file("videos", "film.mp4", film)
        body = content.video(stored, seconds) | content.caption(caption)
        return self._write(chat_id, "video", body, caption, None, None, token)

    @at_home
    def lose_files(self, *, token: str | None = None) -> None:
        """What was sent so far is gone from Telegram's servers."""
        bot = self.bot(token)
        for file_id in list(bot.files):
            bot.lose_file(file_id)

    @at_home
    def sticker(self, chat_id: int, emoji: str = "👍", *, token: str | None = None) -> Update:
        stored = self.bot(token).store_file("stickers", "sticker.webp", b"RIFF")
        return self._write(chat_id, "sticker", content.sticker(stored, emoji), emoji, None, None, token)

    @at_home
    def location(
        self, chat_id: int, latitude: float = -23.55, longitude: float = -46.63, *, token: str | None = None
    ) -> Update:
        return self._write(chat_id, "location", content.location(latitude, longitude), "", None, None, token)

    @at_home
    def contact(
        self, chat_id: int, phone: str = "+5511999990000", name: str = "Ana", *, token: str | None = None
    ) -> Update:
        return self._write(chat_id, "contact", content.contact(phone, name), name, None, None, token)

    @at_home
    def edit(self, chat_id: int, message_id: int, text: str, *, token: str | None = None) -> Update:
        """Edit a message that a person wrote."""
        bot = self.bot(token)
        message = bot.chats[chat_id].messages[message_id]
        message.edit(text)
        message.raw = {**message.raw, **content.text(text), "edit_date": int(time.time())}
        return self._enqueue(bot, "edited_message", message.raw, chat_id, text)

    @at_home
    def press(self, chat_id: int, message_id: int, data: str, *, token: str | None = None) -> Update:
        """Press a button under a message of the bot."""
        bot = self.bot(token)
        chat = bot.chats[chat_id]
        query_id = f"{chat_id % 1_000_000}{bot.next_update_id}"
        bot.open_queries.add(query_id)
        payload: dict[str, object] = {
            "id": query_id,
            "from": person(chat_id if chat_id > 0 else 1, chat),
            "message": chat.messages[message_id].raw,
            "chat_instance": str(abs(chat_id)),
            "data": data,
        }
        return self._enqueue(bot, "callback_query", payload, chat_id, data)

    @at_home
    def block(self, chat_id: int, *, token: str | None = None) -> Update:
        """Block the bot (in a group: throw it out)."""
        return self._membership(chat_id, True, token)

    @at_home
    def unblock(self, chat_id: int, *, token: str | None = None) -> Update:
        return self._membership(chat_id, False, token)

    @at_home
    def migrate(self, chat_id: int, new_chat_id: int, *, token: str | None = None) -> Update:
        """Upgrade a group to a supergroup; the old id is refused from now on."""
        bot = self.bot(token)
        chat = bot.open_chat(chat_id)
        bot.open_chat(new_chat_id, chat.name)
        moved: Content = {"migrate_to_chat_id": new_chat_id}
        update = self._write(chat_id, "migration", moved, "", None, None, token)
        chat.migrated_to = new_chat_id
        self._write(new_chat_id, "migration", {"migrate_from_chat_id": chat_id}, "", None, None, token)
        return update

    def _membership(self, chat_id: int, blocked: bool, token: str | None) -> Update:
        bot = self.bot(token)
        chat = bot.open_chat(chat_id)
        chat.blocked = blocked
        before, after = ("member", "kicked") if blocked else ("kicked", "member")
        payload: dict[str, object] = {
            "chat": chat.described(),
            "from": person(abs(chat_id), chat),
            "date": int(time.time()),
            "old_chat_member": {"user": bot.described(), "status": before},
            "new_chat_member": {"user": bot.described(), "status": after, "until_date": 0},
        }
        return self._enqueue(bot, "my_chat_member", payload, chat_id, after)

    def _write(
        self,
        chat_id: int,
        kind: str,
        body: Content,
        shown: str,
        sender: int | None,
        reply_to: int | None,
        token: str | None,
    ) -> Update:
        bot = self.bot(token)
        chat = bot.open_chat(chat_id)
        now = time.time()
        message_id = bot.new_message_id(chat)
        raw: dict[str, object] = {
            "message_id": message_id,
            "from": person(sender if sender is not None else abs(chat_id), chat),
            "chat": chat.described(),
            "date": int(now),
            **body,
        }
        if reply_to is not None:
            raw["reply_to_message"] = chat.messages[reply_to].raw
        chat.add(Message(message_id, chat_id, False, kind, [Version(shown, now)], raw))
        return self._enqueue(bot, "message", raw, chat_id, shown)


def person(user_id: int, chat: Chat) -> dict[str, object]:
    return _described(user_id, chat.name if chat.kind == "private" else f"Person {user_id}")


@functools.cache
def _described(user_id: int, name: str) -> dict[str, object]:
    """One for all messages of a person: a long run would keep millions."""
    return {"id": user_id, "is_bot": False, "first_name": name, "language_code": "pt-br"}
