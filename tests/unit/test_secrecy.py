"""Secrets are taken out in whatever form they come, and ordinary words are left."""

import json
import logging
from urllib.parse import quote

import pytest

from khronos.observability import secrecy
from khronos.observability.formats import JsonLines
from khronos.observability.secrecy import PUT_IN, learn, learn_settings, scrub, scrubbed


@pytest.fixture(autouse=True)
def unlearned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrecy, "_known", set())
    monkeypatch.setattr(secrecy, "_forms", ())
    monkeypatch.setattr(secrecy, "_by_beginning", {})


SECRET = 'pa"ss\\wörd/=&'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        repr(SECRET),
        quote(SECRET, safe=""),
    ],
)
def test_a_known_secret_is_found_in_every_form(form: str) -> None:
    assert scrub(f"a {form} b").count(PUT_IN) == 0
    learn(SECRET)
    said = scrub(f"a {form} b")
    assert said.count(PUT_IN) == 1
    assert not any(word in said for word in ("wörd", "w\\u00f6rd", quote("wörd")))
    assert said.startswith("a ")
    assert said.endswith(" b")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("POST https://x/bot123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/getMe", "/getMe"),
        ("POST /bot424242:short/getMe", "POST /bot"),
        ("token 123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw!", "!"),
        ("key sk-ant-api03-abcdefghij is bad", " is bad"),
        ("key sk-proj-abcdefghij is bad", " is bad"),
        ("Authorization: Bearer abc.def-ghi_jkl", "Authorization"),
        ("authorization: bearer abcdefghijkl", "authorization"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "Authorization"),
        ("cannot reach postgresql://khronos:hush@db/khronos", "@db/khronos"),
        ("redis://:hushhush@127.0.0.1:6379/0", "@127.0.0.1"),
    ],
)
def test_patterns_find_what_nobody_told_of(text: str, left: str) -> None:
    said = scrub(text)
    assert PUT_IN in said
    assert left in said
    for word in ("AAH", "api03", "proj-abc", "hush", "dXNl", "ghi", "short"):
        assert word not in said


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T17:52:49.123456Z turn 123456: answered",
        "task sk-1 done",
        "mail me@example.org",
        "https://example.org/a@b",
        "the bearer of this",
        "GET /botany/12:30",
        "trace 0123456789abcdef0123456789abcdef",
    ],
)
def test_ordinary_words_are_left(text: str) -> None:
    learn_settings({"SECRET_KEY": "short", "TELEGRAM_DELIVERY_MODE": "done done", "PORT": "18789"})
    assert scrub(text) == text


def test_settings_that_are_secrets_are_learned_and_no_others() -> None:
    learn_settings(
        {
            "SECRET_KEY": "signing-key-1",
            "AWS_SECRET_ACCESS_KEY": "aws-secret-2",
            "DATABASE_URL": "postgresql://user-name:p%40ssw0rd-3@host/name",
            "SENTRY_DSN": "https://public-key-4@sentry.invalid/1",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=otel-key-5,other=otel-key-6",
            "ALERT_WEBHOOK_URL": "https://hooks.invalid/services/T0/key-in-the-path-7?key=key-of-the-query-8",
            "ANTHROPIC_MODEL": "claude-sonnet-5-5",
            "KHRONOS_HOME": "/srv/khronos",
        }
    )
    told = "signing-key-1 aws-secret-2 p@ssw0rd-3 p%40ssw0rd-3 public-key-4 otel-key-5 otel-key-6"
    told += " key-in-the-path-7 key-of-the-query-8"
    assert scrub(told).split() == [PUT_IN] * 9
    assert (
        scrub("claude-sonnet-5-5 /srv/khronos host name user-name hooks.invalid/services/T0")
        == "claude-sonnet-5-5 /srv/khronos host name user-name hooks.invalid/services/T0"
    )


def test_a_secret_that_was_learned_before_stays_one() -> None:
    learn("first-of-two-secrets")
    learn("second-of-two-secrets", "first-of-two-secrets")
    assert scrub("first-of-two-secrets second-of-two-secrets") == f"{PUT_IN} {PUT_IN}"


@pytest.mark.parametrize("others", [0, 5_000])
def test_a_secret_within_another_leaves_nothing_of_it(others: int) -> None:
    learn(*(f"{number:06}-of-others" for number in range(others)))
    learn("abcdefgh", "abcdefgh-and-more")
    assert scrub("x abcdefgh-and-more y") == f"x {PUT_IN} y"
    assert scrub("abcdefgh") == PUT_IN
    assert scrub("abcdefg") == "abcdefg"


def test_nested_values_are_scrubbed_with_their_names() -> None:
    learn("abcdefgh")
    assert scrubbed({"abcdefgh": [b"abcdefgh", ("abcdefgh", 1)]}) == {PUT_IN: [PUT_IN, [PUT_IN, 1]]}


@pytest.mark.parametrize("odd", ["abcdefgh", {"deep": ["abcdefgh"]}, ValueError("abcdefgh"), b"abcdefgh"])
def test_no_part_of_a_log_line_holds_a_secret(odd: object) -> None:
    learn("abcdefgh")
    made = logging.makeLogRecord(
        {"msg": "said %s", "args": ("abcdefgh",), "odd": odd, "exc_text": "X: abcdefgh"}
    )
    said = JsonLines("web").format(made)
    assert "abcdefgh" not in said
    assert said.count(PUT_IN) == 3
    json.loads(said)
