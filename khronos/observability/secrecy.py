"""Secrets appear nowhere: what is told in logs, Sentry, traces, alerts goes through `scrub` (docs/logs.md).

Known values are looked for as they are; patterns catch those that nobody told us of.
"""

import re
import threading
from collections.abc import Iterable, Mapping
from json import dumps
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

PUT_IN = "[secret]"
LEAST = 8  # characters; a shorter one is found in ordinary words
MANY = 500  # forms: from here on it is cheaper to look up every piece of the text
TELLING = re.compile(r"KEY|TOKEN|SECRET|PASS|DSN|HEADERS|CREDENTIAL|SALT|PRIVATE", re.ASCII)

KEY_IN_PATH = re.compile(r"(?<=[/=])[\w-]{16,}")  # such services know their caller by the address alone

# What must be in a text before the dear pattern is tried.
PATTERNS = (
    (":AA", re.compile(r"\d{5,}(?::|%3[Aa])AA[\w-]{20,}")),  # a bot's token
    ("/bot", re.compile(r"(?<=/bot)\d+(?::|%3[Aa])[\w%-]+")),
    ("sk-", re.compile(r"\bsk-[\w-]{8,}")),
    ("earer ", re.compile(r"(?<=earer )[\w.~+/=-]{8,}")),
    ("asic ", re.compile(r"(?<=asic )[A-Za-z0-9+/=]{8,}")),
    ("@", re.compile(r"(?<=://)[^\s/@:\"']*:[^\s/@\"']+(?=@)")),
)

_learning = threading.Lock()
_known: set[str] = set()
_forms: tuple[str, ...] = ()
_by_beginning: dict[str, list[str]] = {}


def scrub(text: str) -> str:
    for secret in _forms if len(_forms) <= MANY else begun_in(text):
        if secret in text:
            text = text.replace(secret, PUT_IN)
    for sign, pattern in PATTERNS:
        if sign in text:
            text = pattern.sub(PUT_IN, text)
    return text


def begun_in(text: str) -> list[str]:
    """Forms whose beginning stands somewhere in the text: found in the same time however many are known."""
    pieces = {text[at : at + LEAST] for at in range(len(text) - LEAST + 1)}
    found = [form for piece in pieces for form in _by_beginning.get(piece, ())]
    return sorted(found, key=len, reverse=True)


def scrubbed(value: Any) -> Any:
    """All texts of a nested value."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, Mapping):
        return {scrubbed(name): scrubbed(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [scrubbed(each) for each in value]
    if isinstance(value, bytes):
        return scrub(value.decode("utf-8", "replace"))
    return value


def learn(*secrets: str) -> None:
    """From now on they are taken out. Cheap where they are known already."""
    global _forms  # noqa: PLW0603 - replaced as a whole, for those who read it meanwhile
    new = [secret for secret in secrets if secret not in _known and len(secret) >= LEAST]
    if not new:
        return
    with _learning:
        _known.update(new)
        unknown = {form for secret in new for form in forms_of(secret)} - {*_forms}
        for form in unknown:
            _by_beginning.setdefault(form[:LEAST], []).append(form)
        _forms = tuple(sorted((*_forms, *unknown), key=len, reverse=True))  # one may be part of another


def learn_settings(pairs: Mapping[str, str]) -> None:
    """Of the environment and its files: what its name calls a secret, and passwords in addresses."""
    learn(*secrets_of(pairs))


def secrets_of(pairs: Mapping[str, str]) -> Iterable[str]:
    for name, value in pairs.items():
        if "://" in value:
            yield from passwords_of(value)
            if "WEBHOOK" in name.upper():
                yield from KEY_IN_PATH.findall(value.partition("://")[2])
        elif TELLING.search(name.upper()):
            yield value
            yield from re.split(r"[=,\s]+", value)  # as in OTEL_EXPORTER_OTLP_HEADERS


def passwords_of(url: str) -> Iterable[str]:
    """User and password: some services are shown a key as the user."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    if parts.password:
        yield from (parts.password, unquote(parts.password))
    elif parts.username:
        yield from (parts.username, unquote(parts.username))


def forms_of(secret: str) -> Iterable[str]:
    """As it may be written inside JSON, a Python string or an address."""
    yield secret
    yield dumps(secret)[1:-1]
    yield dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield quote(secret, safe="")
    yield quote_plus(secret)
