"""Is each model there, for our key? A question that costs nothing, outside of breakers and limits."""

from urllib.parse import quote, urlsplit

import orjson
from django.conf import settings
from django.utils.translation import gettext as _

from khronos.agents.providers import KEYS, has_key
from khronos.agents.providers.errors import complaint, failure_of
from khronos.exceptions import Failure, Throttled, Transient, Unauthorized
from khronos.http import Unanswered, Unsent, pool
from khronos.http.inlet import Reply
from khronos.models.check import OFF
from khronos.observability.health import Amiss

CONNECT_S, TOTAL_S = 3.0, 5.0  # two in turn, within the look's deadline
LISTS = {"anthropic": "/v1/models", "openai": "/models"}


def providers() -> str:
    names = [name for name in settings.PROVIDER_ORDER if name in KEYS and has_key(name)]
    if not names:
        return OFF + _("no key; the offline assistant answers")
    seen = {name: trouble_with(name) for name in names}
    if any(seen.values()):
        raise Amiss("; ".join(f"{name} {trouble}" for name, trouble in seen.items() if trouble))
    knows = _("%(name)s knows %(model)s")
    return ", ".join(knows % {"name": name, "model": model_of(name)} for name in names)


def trouble_with(name: str) -> str:
    try:
        reply = ask(name, f"{LISTS[name]}/{quote(model_of(name), safe='')}")
        if reply.status == 404 and ask(name, LISTS[name]).status == 404:
            return ""  # a stand-in without these addresses: it answers, and that is all that can be known
        judge(reply)
    except (Unsent, Unanswered) as error:
        return _("does not answer: %(why)s") % {"why": error}
    except Unauthorized as error:
        return f"{complaint(error)}: {error}"
    except Throttled:
        return ""  # it is there, and knows us
    except Failure as error:
        return _("fails: %(why)s") % {"why": error}
    return ""


def ask(name: str, path: str) -> Reply:
    base = urlsplit(str(getattr(settings, f"{name.upper()}_BASE_URL")))
    key: str = getattr(settings, KEYS[name]).strip()
    given = {"x-api-key": key, "anthropic-version": "2023-06-01"}
    headers = given if name == "anthropic" else {"Authorization": f"Bearer {key}"}
    server = pool(f"{base.scheme}://{base.netloc}")
    target = base.path.rstrip("/") + path
    return server.request("GET", target, headers.items(), b"", connect_timeout=CONNECT_S, timeout=TOTAL_S)


def judge(reply: Reply) -> None:
    if reply.status >= 400:
        raise failure_of(reply.status, body_of(reply), dict(reply.headers))
    if reply.status != 200:
        raise Transient(f"{reply.status}")


def body_of(reply: Reply) -> object:
    try:
        return orjson.loads(reply.body)
    except ValueError:
        return ""


def model_of(name: str) -> str:
    return str(getattr(settings, f"{name.upper()}_MODEL"))
