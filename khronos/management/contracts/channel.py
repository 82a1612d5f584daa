"""A channel: what it reads never fails but by its name, and what it sends fails in our words."""

import os
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings

from khronos.channels import kind_of
from khronos.channels.base import Account, Call, Hooked, Incoming, Kind, Transport
from khronos.exceptions import Ambiguous, Failure, Permanent, Throttled, Transient, Unauthorized, Unreadable
from khronos.management.contracts.lookalike import (
    CUT,
    GARBAGE,
    OUR_FAULT,
    OUTAGE,
    TOO_OFTEN,
    WAIT_S,
    WRONG_KEY,
    LookAlike,
    Manner,
)

HOSTILE = (
    b"", b"{}", b"null", b"[]", b"7", b'"a"', b"\xff\xfe\x00", b"<html>", b'{"id": null}', b'{"id": {}}',
    b'{"id": [], "message": 7, "entry": [null], "messages": {}}', b'{"id": "\\u0000\\ud800"}', b"[" * 9999,
    b'{"id": 1e999, "chat": {"id": ' + b"9" * 5000 + b"}}", b'{"id": "' + b"x" * 5000 + b'"}',
)  # fmt: skip
SECRET = "a-secret-of-the-contract"  # noqa: S105 - of nobody
# What became of a message that was sent: only what was surely not done may be repeated.
SENDS: tuple[tuple[str, Manner, type[Failure]], ...] = (
    ("a 500", OUTAGE, Ambiguous),
    ("a cut line", CUT, Ambiguous),
    ("a page that is no answer", GARBAGE, Ambiguous),
    ("a 429", TOO_OFTEN, Throttled),
    ("a 401", WRONG_KEY, Unauthorized),
    ("a 400", OUR_FAULT, Permanent),
)


def account_for(kind: Kind) -> Account:
    options = dict.fromkeys(getattr(kind, "options", ()), "1")
    return Account("contract", token="1:contract", secret=SECRET, options=options)  # noqa: S106


def broken(name: str, service: LookAlike) -> Iterator[str]:
    kind = kind_of(name)
    account = account_for(kind)
    for raw in HOSTILE:
        yield from unread(kind, account, raw)
    if isinstance(kind, Hooked):
        yield from unhooked(kind, account)
    variable = f"{name.upper()}_BASE_URL"
    if variable not in settings.EXTENSIONS["channels"][name].path.read_text("utf-8"):
        yield f"its address is fixed, so that nothing was sent: read it by setting({variable!r}, …)"
        return
    os.environ[variable] = service.url
    yield from unsent(name, kind.transport(account), service)


def unread(kind: Kind, account: Account, raw: bytes) -> Iterator[str]:
    shown = repr(raw[:40])
    try:
        key = kind.identify(raw).key
        if not key or key != kind.identify(raw).key:
            yield f"identify({shown}) has the key {key!r}: the same bytes, the same text, never an empty one"
    except Exception as error:
        yield f"identify({shown}) raises {told(error)}: it may never raise; answer unknown(raw)"
    try:
        if not isinstance(kind.parse(raw, account), Incoming):
            yield f"parse({shown}) answers no Incoming"
    except Unreadable:
        pass
    except Exception as error:
        yield f"parse({shown}) raises {told(error)}: raise Unreadable for what cannot be understood"


def unhooked(kind: Hooked, account: Account) -> Iterator[str]:
    for raw in HOSTILE:
        try:
            kind.updates(raw)
            kind.answer(raw)
            if kind.is_from(Call(raw, {}, {}), SECRET):
                yield f"is_from admits {raw[:40]!r} without a signature"
        except Exception as error:
            yield f"the webhook raises {told(error)} at {raw[:40]!r}"
    if kind.greeting(Call(b"", {}, {}), account) is not None:
        yield "greeting answers whoever asks"


def unsent(name: str, transport: Transport, service: LookAlike) -> Iterator[str]:
    wanted = {"text_limit": int, "can_edit": bool, "guard": str, "budget": str, "pulled": bool}
    for attribute, kind in wanted.items():
        if not isinstance(getattr(transport, attribute, None), kind):
            yield f"the transport has no {attribute} ({kind.__name__}): class …(Bare)"
            return
    if transport.guard and transport.guard.partition(":")[0] not in settings.BREAKERS:
        yield f"guard = {transport.guard!r} is no breaker: write guard = {name!r}"
    limits = [claim.name for claim in transport.claims("1", "private") if claim.shared]
    if transport.budget and transport.budget not in limits:
        yield f"budget = {transport.budget!r} is no shared limit of claims(): a 429 would pause nothing"
    for what, manner, failure in SENDS:
        with service.behaving(manner):
            yield from misjudged(what, failure, lambda: transport.send("1", "hello", key="1"))
            if not service.heard:
                yield f"{what}: nothing was sent to {service.url}"
    service.stop()
    yield from misjudged("nobody there", Transient, lambda: transport.send("1", "hello", key="1"))


def misjudged(what: str, wanted: type[Failure], deed: Callable[[], Any]) -> Iterator[str]:
    try:
        deed()
    except wanted as error:
        if isinstance(error, Throttled) and error.retry_after != WAIT_S:
            yield f"{what}: retry_after is {error.retry_after}, and {WAIT_S} s were asked for"
    except Exception as error:
        yield f"{what} is {told(error)}, and should be {wanted.__name__} (khronos/exceptions.py)"
    else:
        yield f"{what} is taken for a success, and should be {wanted.__name__} (khronos/exceptions.py)"


def told(error: Exception) -> str:
    return f"{type(error).__name__}({str(error)[:80]!r})"
