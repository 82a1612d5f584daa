"""The chat page without a page: the same addresses and the same cookie, for the command line."""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote, urlsplit

ADDRESS = "/chat/messages"
TIMEOUT_S = 10.0
LOOK_EVERY_S = 0.3
TRY_AGAIN_S = 1.0
BUSY = (408, 425, 429, 502, 503, 504)


class NoConversation(Exception):
    """The text tells the operator what to do."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    cookies: list[str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Line:
    id: int
    author: str
    text: str


class Chatline:
    def __init__(self, url: str, language: str = "en") -> None:
        self._url = url.rstrip("/")
        self._parts = urlsplit(self._url)
        self._language = language
        self._cookie = ""
        self._cursor = ""
        self.is_thinking = False

    def news(self) -> list[Line]:
        """What was said by others since the last look."""
        target = f"{ADDRESS}?after={quote(self._cursor)}" if self._cursor else ADDRESS
        reply = self._ask("GET", target, b"")
        for given in reply.cookies:
            self._cookie = "; ".join(
                f"{name}={each.coded_value}" for name, each in SimpleCookie(given).items()
            )
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
            for line in self._patient_news(until):
                is_answered = True
                yield line
            if is_answered and not self.is_thinking:
                return
            if time.monotonic() > until:
                raise NoConversation(self._why_not())
            time.sleep(LOOK_EVERY_S)

    def _patient_news(self, until: float) -> list[Line]:
        """The server may be started anew while it thinks."""
        while True:
            try:
                return self.news()
            except NoConversation:
                if time.monotonic() > until - TRY_AGAIN_S:
                    raise
                time.sleep(TRY_AGAIN_S)

    def _why_not(self) -> str:
        if self.is_thinking:
            return (
                "No answer in time. The message is stored and will be answered: "
                "`python manage.py why last` says what it waits for."
            )
        return "No answer in time: the conversation waits for a person, or nobody is asked to answer it."

    def _ask(self, method: str, target: str, body: bytes) -> Reply:
        """On a connection of its own: a person types slowly, and the server need not wait for it."""
        headers = {
            "Accept": "application/json",
            "Accept-Language": self._language,
            "Content-Type": "application/json",
            "Cookie": self._cookie,
            "Connection": "close",
        }
        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        try:
            with closing(kind(self._parts.netloc, timeout=TIMEOUT_S)) as connection:
                connection.request(method, self._parts.path + target, body, headers)
                response = connection.getresponse()
                return Reply(response.status, response.headers.get_all("Set-Cookie", []), response.read())
        except (OSError, HTTPException) as error:
            raise NoConversation(
                f"{self._url} cannot be reached ({str(error) or type(error).__name__}).\n"
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
