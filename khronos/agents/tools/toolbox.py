"""Which tools a conversation has: those of the library and the tenant's own, as far as rows grant them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from khronos import extensions
from khronos.agents.providers.base import Spec
from khronos.agents.tools import http, library
from khronos.agents.tools.base import Tool
from khronos.guards import caches
from khronos.models import Conversation, HttpTool, ToolGrant

STRICTNESS = ("", "contact", "operator")  # a later one goes before an earlier one

type Grants = list[tuple[str, str]]  # the tool's name, and who confirms


@dataclass(frozen=True, slots=True)
class Granted:
    tool: Tool
    confirmed_by: str


type Toolbox = dict[str, Granted]


@cache
def of_the_library() -> dict[str, Tool]:
    """One a file, and those laid beside; a file that cannot be loaded is a bug, and shows at once."""
    modules = [import_module(f"{library.__name__}.{each.name}") for each in iter_modules(library.__path__)]
    tools = [value for module in modules for value in vars(module).values() if isinstance(value, Tool)]
    known = {tool.name: tool for tool in tools}
    for file in extensions.names("tools"):
        tool = extensions.one_of("tools", file, Tool, "one function with @tool (docs/tools.md).")
        if tool.name in known:
            raise extensions.lacking("tools", file, f"has a second {tool.name}", "rename the function.")
        known[tool.name] = tool
    return known


def granted(conversation: Conversation) -> Toolbox:
    """By name. Mostly nothing, and then it costs no more than a look into memory."""
    tenant_id, agent_id = conversation.tenant_id, conversation.agent.pk
    key = f"{tenant_id}:{agent_id}"
    grants: Grants = caches.grants().get(key, lambda: read(tenant_id, agent_id))
    if not grants:
        return {}
    known = known_to(tenant_id, [name for name, _ in grants])
    is_group = conversation.chat_type != "private" or conversation.contact_id is None
    box: Toolbox = {}
    for name, confirmation in sorted(grants):
        tool = known.get(name)
        if tool is None:
            continue
        confirmed_by = stricter(
            tool.confirmed_by, confirmation, box[name].confirmed_by if name in box else ""
        )
        if not (is_group and (tool.is_personal or confirmed_by == "contact")):
            box[name] = Granted(tool, confirmed_by)
    return box


def read(tenant_id: int, agent_id: int) -> Grants:
    return list(ToolGrant.objects.of(tenant_id, agent_id).values_list("tool", "confirmation"))


def own_of(tenant_id: int, names: Iterable[str]) -> dict[str, Tool]:
    own = [name for name in names if name not in of_the_library()]
    rows = HttpTool.objects.filter(tenant=tenant_id, is_active=True, name__in=own) if own else ()
    return {row.name: http.tool_of(row) for row in rows}


def known_to(tenant_id: int, names: Iterable[str]) -> dict[str, Tool]:
    return of_the_library() | own_of(tenant_id, names)


def is_granted(conversation: Conversation, name: str) -> bool:
    """Of the rows, right before a call: what was taken back a moment ago is not called any more."""
    return ToolGrant.objects.of(conversation.tenant_id, conversation.agent.pk).filter(tool=name).exists()


def stricter(*confirmers: str) -> str:
    return max(confirmers, key=STRICTNESS.index)


def specs(box: Toolbox) -> list[Spec]:
    return [Spec(name, each.tool.description, each.tool.takes) for name, each in box.items()]


def forget(tenant_id: int) -> None:
    """In every process: its grants have changed."""
    caches.grants().invalidate(f"{tenant_id}:*")
