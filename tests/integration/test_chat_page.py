"""The chat page's addresses, and the chat on the command line that uses them."""

import io
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from khronos.desk.chat_phrases import ENGLISH, PORTUGUESE
from khronos.intake import channels
from khronos.models import Channel, Contact, Message, Update
from tests.factories import make_channel, make_user
from tests.integration import way

URL = "/chat/messages"
pytestmark = pytest.mark.usefixtures("bus")


@pytest.fixture
def chat(db: None) -> Channel:
    channels.forget()
    return make_channel(slug="chat", kind="web", token="", secret="hush")


@pytest.fixture
def visitor(chat: Channel) -> Client:
    client = Client()
    client.get(URL)
    return client


def say(client: Client, text: Any = "Hello", id_: Any = "id-00001", **extra: Any) -> Any:
    given = {"content_type": "application/json"} | extra
    return client.post(URL, json.dumps({"id": id_, "text": text}), **given)


def texts(client: Client, after: str = "") -> list[str]:
    return [message["text"] for message in client.get(URL, {"after": after}).json()["messages"]]


# The page


def test_page_is_open_to_anybody_and_allows_nothing_from_elsewhere(chat: Channel) -> None:
    response = Client().get("/chat/")
    policy = response["Content-Security-Policy"]
    assert response.status_code == 200
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "no-store" in response["Cache-Control"]


def test_page_has_no_inline_script_or_style_and_nothing_from_elsewhere(chat: Channel) -> None:
    html = Client().get("/chat/").content.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", html) == []
    assert re.findall(r"(?:src|href)=[\"'](?:https?:)?//", html) == []


@pytest.mark.parametrize(
    ("accepted", "language", "phrases"),
    [("en", "en", ENGLISH), ("pt-BR,pt;q=0.9", "pt-br", PORTUGUESE), ("pt-PT", "pt-br", PORTUGUESE),
     ("ja", "en", ENGLISH)],
)  # fmt: skip
def test_page_speaks_the_browsers_language(
    chat: Channel, accepted: str, language: str, phrases: dict[str, str]
) -> None:
    html = Client().get("/chat/", headers={"Accept-Language": accepted}).content.decode()
    assert f'<html lang="{language}">' in html
    assert phrases["welcome"] in html


def test_both_languages_say_the_same_things() -> None:
    assert ENGLISH.keys() == PORTUGUESE.keys()


def test_page_without_its_channel_says_how_to_open_it(db: None) -> None:
    channels.forget()
    response = Client().get("/chat/")
    assert response.status_code == 503
    assert "make up" in response.content.decode()
    assert Client().get(URL).status_code == 404


def test_root_leads_visitors_to_the_chat_and_operators_to_the_dashboard(db: None) -> None:
    client = Client()
    assert client.get("/")["Location"] == "/chat/"
    client.force_login(make_user())
    assert client.get("/")["Location"] == "/dashboard"


# Visitors


def test_visitor_is_known_by_a_signed_cookie(chat: Channel) -> None:
    cookie = Client().get(URL).cookies["khronos_chat"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/chat/")
    assert cookie["max-age"] > 300 * 86_400


def test_message_goes_through_the_intake_of_the_web_channel(visitor: Client, chat: Channel) -> None:
    response = say(visitor, "Olá", HTTP_ACCEPT_LANGUAGE="pt-BR")
    stored = Update.objects.get()
    assert response.status_code == 202
    assert response.json() == {"accepted": True, "trace_id": stored.trace_id}
    assert stored.channel == chat
    way.dispatch()
    contact = Contact.objects.get()
    assert (contact.language, contact.name[:8]) == ("pt-br", "Visitor ")
    assert Message.objects.get().text == "Olá"


def test_visitor_reads_the_answer_and_nobody_else_does(visitor: Client) -> None:
    say(visitor, "Hello")
    assert visitor.get(URL).json()["thinking"] is True
    way.dispatch()
    way.answer()
    page = visitor.get(URL).json()
    assert [message["author"] for message in page["messages"]] == ["contact", "bot"]
    assert page["messages"][0]["message_id"] == "id-00001"
    assert page["thinking"] is False
    assert texts(visitor, page["next"]) == []
    assert texts(Client()) == []


def test_message_sent_again_is_stored_once(visitor: Client) -> None:
    assert [say(visitor).status_code for _ in range(3)] == [202, 202, 202]
    assert Update.objects.count() == 1


@pytest.mark.parametrize("header", ["X-Trace-Id", "X-Correlation-ID"])
def test_visitor_does_not_choose_the_trace(visitor: Client, header: str) -> None:
    response = say(visitor, headers={header: "of-another"})
    assert response.status_code == 202
    assert Update.objects.get().trace_id == response.json()["trace_id"] == response["X-Trace-Id"]
    assert len(response["X-Trace-Id"]) == 32
    assert "of-another" not in str(response.headers)
    assert Update.objects.get().correlation_id is None
    assert response["X-Correlation-ID"] == response["X-Trace-Id"]


def test_two_visitors_may_use_the_same_id(visitor: Client) -> None:
    other = Client()
    other.get(URL)
    assert [say(visitor).status_code, say(other).status_code] == [202, 202]
    assert Update.objects.count() == 2


def test_forged_cookie_is_nobodys(visitor: Client) -> None:
    say(visitor, "secret")
    way.dispatch()
    name = visitor.cookies["khronos_chat"].value.split(":")[0]
    thief = Client()
    thief.cookies["khronos_chat"] = f"{name}:1abcde:forged"
    assert texts(thief) == []
    thief.cookies["khronos_chat"] = f"{name}:1abcde:forged"
    assert say(thief).status_code == 401


def test_without_a_cookie_nothing_is_accepted(chat: Channel) -> None:
    assert say(Client()).status_code == 401
    assert Update.objects.count() == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
    ],
)
def test_another_site_cannot_speak_for_the_visitor(visitor: Client, headers: dict[str, str]) -> None:
    assert say(visitor, headers=headers).status_code == 403
    assert Update.objects.count() == 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://testserver"},
        {"Origin": "https://testserver"},
    ],
)
def test_the_page_itself_can(visitor: Client, headers: dict[str, str]) -> None:
    assert say(visitor, headers=headers).status_code == 202


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_form_of_another_site_is_no_message(visitor: Client, kind: str) -> None:
    assert visitor.generic("POST", URL, b'{"id": "id-00001", "text": "x"}', kind).status_code == 415


@pytest.mark.parametrize(
    ("id_", "text", "status"),
    [
        ("short", "x", 400), ("x" * 41, "x", 400), ("id 00001", "x", 400), (7, "x", 400), (None, "x", 400),
        ("id-00001", "", 400), ("id-00001", " \n", 400), ("id-00001", None, 400), ("id-00001", ["x"], 400),
        ("id-00001", "x" * 8001, 413), ("id-00001", "x" * 8000, 202), ("id-00001", "a\x00b\ud800", 202),
    ],
)  # fmt: skip
def test_what_is_accepted(visitor: Client, id_: Any, text: Any, status: int) -> None:
    assert say(visitor, text, id_).status_code == status
    assert Update.objects.count() == (status == 202)


@pytest.mark.parametrize("raw", [b"null", b"[]", b"{", b"\xff"])
def test_nonsense_is_refused(visitor: Client, raw: bytes) -> None:
    assert visitor.post(URL, raw, content_type="application/json").status_code == 400


def test_odd_cursor_is_refused_and_other_methods_too(visitor: Client) -> None:
    assert visitor.get(URL, {"after": "x"}).status_code == 400
    assert visitor.put(URL).status_code == 405


# The command line


@pytest.fixture
def answering(live_server: LiveServer) -> Iterator[str]:
    """A running instance: whatever arrives is dispatched and answered."""
    channels.forget()
    make_channel(slug="chat", kind="web", token="", secret="hush")
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.05):
            way.dispatch()
            way.answer()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield live_server.url
    stop.set()
    thread.join()


def test_command_line_prints_the_answer(answering: str, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("chat", once="Hello", url=answering, timeout=20)
    [answer] = Message.objects.filter(author="bot").values_list("text", flat=True)
    assert capsys.readouterr().out.strip() == answer.strip()


def test_command_line_talks(
    answering: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Hello\n\nHello again\n"))
    call_command("chat", url=answering, timeout=20)
    assert capsys.readouterr().out.count("Assistant ›") == 2
    assert Message.objects.filter(author="contact").count() == 2


def test_command_line_says_that_nothing_answers(live_server: LiveServer) -> None:
    channels.forget()
    make_channel(slug="chat", kind="web", token="", secret="hush")
    with pytest.raises(CommandError, match="stored and will be answered"):
        call_command("chat", once="Hello", url=live_server.url, timeout=0.5)
    assert Update.objects.count() == 1


def test_command_line_says_that_nothing_runs() -> None:
    with pytest.raises(CommandError, match="make up"):
        call_command("chat", once="Hello", url="http://127.0.0.1:1", timeout=1)
