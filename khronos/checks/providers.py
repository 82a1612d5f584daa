"""Is each model there, for our key? A question that costs nothing, outside of breakers and limits."""

from contextlib import suppress
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from khronos.agents.providers import class_of, has_key, key_of, keyed, model_of
from khronos.agents.providers.errors import complaint
from khronos.exceptions import Failure, Throttled, Transient, Unauthorized
from khronos.http import Unanswered, Unsent, pool
from khronos.http.inlet import Reply
from khronos.http.vendors import decoded, failure_of
from khronos.models import Agent
from khronos.models.check import OFF
from khronos.observability.health import Amiss
from khronos.observability.said import Said as _
from khronos.observability.said import joined

CONNECT_S, TOTAL_S = 3.0, 5.0  # two in turn, within the look's deadline


def providers() -> str:
    names = [name for name in settings.PROVIDER_ORDER if name in keyed() and has_key(name)]
    if not names:
        return joined("", (OFF, _("no key; the offline assistant answers")))
    used = [(name, model) for name in names for model in in_use(name)]
    seen = [(name, trouble_with(name, model)) for name, model in used]
    if any(trouble for _name, trouble in seen):
        told = [joined(" ", (name, trouble)) for name, trouble in seen if trouble]
        raise Amiss(joined("; ", dict.fromkeys(told)))
    knows = _("%(name)s knows %(model)s")
    return joined(", ", (knows % {"name": name, "model": model} for name, model in used))


def in_use(name: str) -> list[str]:
    """The environment's, and those of agents with their own. A database that is away, another look tells."""
    own = []
    with suppress(DatabaseError, InterfaceError):
        chosen = Agent.objects.filter(is_active=True).values_list("model_by_provider", flat=True)
        own = sorted({models[name] for models in chosen if models.get(name)})
    return list(dict.fromkeys([model_of(name), *own]))


def trouble_with(name: str, model: str) -> str:
    models_path = getattr(class_of(name), "models_path", "")
    if not models_path:
        return ""
    try:
        reply = ask(name, f"{models_path}/{quote(model, safe='')}")
        if reply.status == 404 and ask(name, models_path).status == 404:
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
    kind = class_of(name)
    base = urlsplit(str(getattr(settings, f"{name.upper()}_BASE_URL") or kind.base_url))
    headers = kind.signed(getattr(settings, key_of(name)).strip())
    server = pool(f"{base.scheme}://{base.netloc}")
    target = base.path.rstrip("/") + path
    return server.request("GET", target, headers.items(), b"", connect_timeout=CONNECT_S, timeout=TOTAL_S)


def judge(reply: Reply) -> None:
    if reply.status >= 400:
        raise failure_of(reply, decoded(reply))
    if reply.status != 200:
        raise Transient(f"{reply.status}")
