"""A message through the web channel and back: signed, stored, dispatched, thought about, read.

It is said by a contact of its own, `Khronos' own check`, in one conversation, which is closed afterwards.
Nothing is left out of the figures for it: it is a message like any other.
"""

import json
import secrets
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote

from django.db import DatabaseError
from django.utils.translation import gettext as _

from khronos.channels.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from khronos.conversation import handoff
from khronos.desk.why import Unknown, explain
from khronos.management.validation.scene import HTTP_S, Scene, wait_until
from khronos.models import Channel, Conversation, Message, conversation_id
from khronos.observability.health import Amiss

ANSWER_S = 6.0
SLUG, CHAT = "chat", "khronos-validate"
SENDER = {"id": CHAT, "name": "Khronos' own check (make validate)", "language": "en"}


def message(scene: Scene) -> str:
    channel = Channel.objects.listening().filter(slug=SLUG, kind="web").first()
    if channel is None:
        return _("not asked: the channel %(slug)s is switched off") % {"slug": SLUG}
    if channel.routing != Channel.Routing.BOT:
        return _("not asked: people answer the channel %(slug)s") % {"slug": SLUG}
    line = Line(scene, channel)
    began, seen = time.monotonic(), line.read("")
    line.say("Is all well?")
    accepted_ms = round((time.monotonic() - began) * 1000)
    complaint = _("accepted in %(ms)s ms, not answered within %(n)s s") % {
        "ms": accepted_ms,
        "n": ANSWER_S,
    }
    talk = conversation_id(channel.pk, CHAT)
    try:
        wait_until(lambda: line.is_answered(seen["next"]), ANSWER_S, complaint)
    except Amiss:
        raise Amiss(f"{complaint}. {why_not(talk)}".rstrip(". ")) from None
    total_s = time.monotonic() - began
    put_away(talk)
    return _("accepted in %(ms)s ms, answered after %(s)s s") % {"ms": accepted_ms, "s": f"{total_s:.2f}"}


def why_not(talk: Any) -> str:
    """Empty where that message is not even dispatched."""
    try:
        return explain(str(talk)).verdict.text
    except (Unknown, DatabaseError):
        return ""


def put_away(conversation: Any) -> None:
    """Nobody need see it among the open ones, and the next one begins without its past."""
    for row in Conversation.objects.filter(pk=conversation):
        handoff.close(row, by="validate")
        last = (
            Message.objects.filter(conversation=row).order_by("-pk").values_list("pk", flat=True).first() or 0
        )
        Conversation.objects.filter(pk=row.pk).update(remembers_from=last + 1)


class Line:
    def __init__(self, scene: Scene, channel: Channel) -> None:
        self.scene, self.channel = scene, channel
        self.path = f"/webhooks/web/{channel.slug}/"

    def say(self, text: str) -> None:
        body = {"id": secrets.token_hex(16), "chat": CHAT, "sender": SENDER, "text": text}
        self.ask("POST", self.path, json.dumps(body).encode())

    def read(self, after: str) -> dict[str, Any]:
        return self.ask("GET", f"{self.path}messages?chat={CHAT}&after={quote(after)}", b"")

    def is_answered(self, after: str) -> bool:
        return any(each["author"] == Message.Author.BOT for each in self.read(after)["messages"])

    def ask(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        stamp = str(int(time.time()))
        signature = sign(self.channel.secret, stamp, body or path.encode())
        headers = {
            "Content-Type": "application/json",
            TIMESTAMP_HEADER: stamp,
            SIGNATURE_HEADER: signature,
        }
        try:
            with closing(HTTPConnection(self.scene.host, self.scene.port, timeout=HTTP_S)) as connection:
                connection.request(method, path, body, headers)
                response = connection.getresponse()
                found: dict[str, Any] = json.loads(response.read())
        except (OSError, HTTPException, ValueError) as error:
            why = _("%(url)s does not answer") % {"url": self.scene.url}
            raise Amiss(f"{why} ({type(error).__name__})") from None
        if response.status not in (200, 202):
            raise Amiss(f"{response.status}: {found.get('error', '')}")
        return found
