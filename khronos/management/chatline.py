"""The chat page without a page: the same addresses and the same cookie, for the command line."""

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote

from khronos.http import Reply, Unanswered, Unsent, pool

ADDRESS = "/chat/messages"
CONNECT_TIMEOUT_S = 3.0
TIMEOUT_S = 10.0
LOOK_EVERY_S = 0.3
TRY_AGAIN_S = 1.0
BUSY = (408, 425, 429, 502, 503, 504)


class NoConversation(Exception):
    """The text tells the operator what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    id: int
    author: str
    text: str


class Chatline:
    def __init__(self, url: str, language: str = "en") -> None:
        self._url = url.rstrip("/")
        self._language = language
        self._cookie = ""
        self._cursor = ""
        self.is_thinking = False

    def news(self) -> list[Line]:
        """What was said by others since the last look."""
        target = f"{ADDRESS}?after={quote(self._cursor)}" if self._cursor else ADDRESS
        reply = self._ask("GET", target, b"")
        for _, value in (pair for pair in reply.headers if pair[0].lower() == "set-cookie"):
            self._cookie = "; ".join(f"{name}={m.coded_value}" for name, m in SimpleCookie(value).items())
        page = self._understood(reply)
        self._cursor = page["next"]
        self.is_thinking = page["thinking"] or page["more"]
        said = [Line(each["id"], each["author"], each["text"]) for each in page["messages"]]
        return [line for line in said if line.author != "contact"]

    def say(self, text: str, until: float) -> None:
        """Acknowledged when this returns. The id stays the same however often it is sent."""
        body = json.dumps({"id": secrets.token_hex(16), "text": text}).encode()
        while True:
            try:
                reply = self._ask("POST", ADDRESS, body)
                if reply.status not in BUSY:
                    self._understood(reply)
                    self.is_thinking = True
                    return
                reason = f"{self._url} answers {reply.status}"
            except NoConversation as error:
                reason = str(error)
            if time.monotonic() > until - TRY_AGAIN_S:
                raise NoConversation(f"{reason}\nThe message was not accepted.")
            time.sleep(TRY_AGAIN_S)

    def answers(self, until: float) -> Iterator[Line]:
        """Lines as they come, to the end of the answer. Raises NoConversation when the time is over."""
        is_answered = False
        while True:
            for line in self.news():
                is_answered = True
                yield line
            if is_answered and not self.is_thinking:
                return
            if time.monotonic() > until:
                raise NoConversation(self._why_not())
            time.sleep(LOOK_EVERY_S)

    def _why_not(self) -> str:
        if self.is_thinking:
            return (
                "No answer in time. The message is stored and will be answered: "
                "`make ps` shows what runs, the admin what became of it."
            )
        return "No answer in time: the conversation waits for a person, or nobody is asked to answer it."

    def _ask(self, method: str, target: str, body: bytes) -> Reply:
        headers = [
            ("Accept", "application/json"),
            ("Accept-Language", self._language),
            ("Connection", "close"),  # a person types slowly: no worker of the server waits for the next line
            ("Content-Type", "application/json"),
            ("Cookie", self._cookie),
        ]
        try:
            return pool(self._url).request(
                method, target, headers, body, connect_timeout=CONNECT_TIMEOUT_S, timeout=TIMEOUT_S
            )
        except (Unsent, Unanswered) as error:
            raise NoConversation(
                f"{self._url} cannot be reached ({error}).\n"
                f"  Fix: start Khronos with `make up`, or name another address with --url."
            ) from None

    def _understood(self, reply: Reply) -> dict[str, Any]:
        try:
            page = json.loads(reply.body)
        except ValueError:
            page = None
        if isinstance(page, dict) and reply.status in (200, 202):
            return page
        reason = page.get("error") if isinstance(page, dict) else "not what a Khronos says"
        raise NoConversation(f"{self._url} answers {reply.status}: {reason}.")
