"""A service of somebody else's as a tool: a row of the admin says where it is and what it takes.

Arguments fill the address; what has no hole there goes into the query of a GET or DELETE, else into a
body of JSON. Holes that begin with `turn_` are filled by us, so that a service can tell for whom it is asked.
"""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson
from django.conf import settings
from django.utils.translation import gettext as _

from khronos.agents.tools.base import Arguments, Json, Scene, Tool, Unfit
from khronos.agents.tools.schema import flaw
from khronos.channels import egress
from khronos.channels.addresses import target_of
from khronos.exceptions import Ambiguous, Permanent, Throttled, Transient, Unauthorized
from khronos.models import HttpTool
from khronos.observability.secrecy import learn
from khronos.observability.tracing import outgoing

ANSWER_MAX_BYTES = 256 * 1024
REDIRECTS = 3
OURS = "turn_"
FACTS = ("turn_tenant", "turn_conversation", "turn_contact")
HOLE = re.compile(r"\{(\w+)\}")
WITHOUT_BODY = ("GET", "DELETE")
SAYS_MAX = 300  # characters of a refusal that the model reads


def tool_of(row: HttpTool) -> Tool:
    return Tool(
        name=row.name,
        description=row.description,
        takes={"type": "object", **row.takes, "additionalProperties": False},
        gives=row.gives,
        run=partial(ask, row),
        side_effects=row.side_effects,
        is_personal=row.is_personal or f"{{{OURS}" in row.url,
        is_cacheable=row.is_cacheable and not row.side_effects,
        confirmed_by=row.confirmation,  # type: ignore[arg-type]
        timeout_s=row.timeout_s,
        per_minute=row.per_minute,
        guard=row.guard,
    )


def ask(row: HttpTool, scene: Scene, arguments: Arguments) -> Any:
    url, rest = address(row.url, arguments, facts(scene))
    body = b""
    if row.method in WITHOUT_BODY:
        url += ("&" if urlsplit(url).query else "?") + urlencode(flat(rest)) if rest else ""
    else:
        body = orjson.dumps(rest)
    answer = egress.call(
        row.method,
        url,
        headers_of(row, scene),
        body,
        timeout_s=row.timeout_s,
        most_bytes=ANSWER_MAX_BYTES,
        redirects=REDIRECTS,
        allowed=settings.TOOL_PRIVATE_NETWORKS,
    )
    judge(answer, row.side_effects)
    return read(answer.body, row.side_effects)


def facts(scene: Scene) -> dict[str, str]:
    conversation = scene.conversation
    contact = conversation.contact
    return {
        "turn_tenant": str(conversation.tenant_id),
        "turn_conversation": str(conversation.pk),
        "turn_contact": contact.external_id if contact else "",
    }


def address(template: str, arguments: Arguments, ours: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """The address, and the arguments without a hole in it. None ever leaves its place in the path."""
    rest = dict(arguments)

    def filled(hole: re.Match[str]) -> str:
        name = hole[1]
        if name.startswith(OURS):
            return quote(ours[name], safe="")
        if name not in arguments:
            raise Unfit(f"{name} is missing")
        rest.pop(name, None)
        value = text_of(arguments[name])
        if value.strip(". \t") == "":  # `.` and `..` climb up, an empty one makes another address
            raise Unfit(f"{name} may not be {value!r}")
        return quote(value, safe="")

    return HOLE.sub(filled, template), rest


def text_of(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(orjson.dumps(value).decode())
    if isinstance(value, str | int | float):
        return str(value)
    raise Unfit("a list or an object has no place in an address")


def flat(rest: Arguments) -> list[tuple[str, str]]:
    pairs = ((name, value if isinstance(value, list) else [value]) for name, value in rest.items())
    return [(name, text_of(each)) for name, values in pairs for each in values]


def headers_of(row: HttpTool, scene: Scene) -> list[tuple[str, str]]:
    lines = [line.partition(":") for line in row.headers.splitlines() if line.strip()]
    given = [(name.strip(), value.strip()) for name, _colon, value in lines]
    learn(*(value for _name, value in given))
    ours = {"Accept": "application/json", "User-Agent": "Khronos", "Idempotency-Key": scene.key, **outgoing()}
    if row.method not in WITHOUT_BODY:
        ours["Content-Type"] = "application/json"
    return [*ours.items(), *given]


def judge(answer: egress.Answer, has_side_effects: bool) -> None:
    status = answer.status
    if 200 <= status < 300:
        return
    if status == 429:
        raise Throttled(f"the service answered {status}")
    if status >= 500:
        raise (Ambiguous if has_side_effects else Transient)(f"the service answered {status}")
    if status in (401, 403):
        raise Unauthorized(f"the service answered {status}: it refuses our key")
    if status in (404, 409, 410, 422, 400):
        said = answer.body[:SAYS_MAX].decode("utf-8", "replace")
        raise Unfit(f"the service answered {status}: {said}")
    raise Permanent(f"the service answered {status}")


def read(body: bytes, has_side_effects: bool) -> Any:
    if not body.strip():
        return {}
    try:
        return orjson.loads(body)
    except ValueError:
        kind = Ambiguous if has_side_effects else Permanent  # it was a 2xx: something may have happened
        raise kind("the service answered something that is no JSON") from None


def flaws_of(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What an operator has to mend in a form before it can be called: field and reason."""
    takes, url = values.get("takes"), str(values.get("url", ""))
    for field in ("takes", "gives"):
        schema = values.get(field)
        if schema is None:
            continue
        if not isinstance(schema, dict):
            yield field, _("A JSON Schema is an object.")
        elif why := flaw(schema):
            yield field, why
    yield from flaws_of_address(url, takes if isinstance(takes, dict) else {})
    if any(":" not in line for line in str(values.get("headers", "")).splitlines() if line.strip(" -")):
        yield "headers", _("A header is written as Name: value.")


def flaws_of_address(url: str, takes: Json) -> Iterator[tuple[str, str]]:
    if url and HOLE.search("/".join(url.split("/", 3)[:3])):
        yield "url", _("The server's name has no holes: an argument must never choose it.")
    properties = takes.get("properties")
    named = set(properties) if isinstance(properties, dict) else set()
    if reserved := sorted(name for name in named if name.startswith(OURS)):
        yield "takes", _("Names that begin with turn_ are filled by Khronos: %s") % ", ".join(reserved)
    holes = set(HOLE.findall(url))
    ours = {hole for hole in holes if hole.startswith(OURS)}
    unknown = sorted((holes - ours - named) | (ours - set(FACTS)))
    if unknown:
        yield "url", _("Nothing fills these holes: %s") % ", ".join(unknown)
    try:
        target_of(HOLE.sub("x", url))
    except Permanent:
        yield "url", _("An address begins with https:// or http:// and names a server.")
