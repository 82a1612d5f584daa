"""An agent as its developer writes it: a file of `library/`, a row of each tenant (docs/agents.md).

The row is made once, switched off. From then on it is the operator's: a changed file changes no row.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from django.conf import settings
from django.db import transaction

from khronos import extensions
from khronos.agents import library, providers
from khronos.agents.tools import toolbox
from khronos.exceptions import Misconfigured
from khronos.models import Agent, Tenant, ToolGrant


@dataclass(frozen=True, slots=True)
class Blueprint:
    name: str
    instructions: str
    tools: Sequence[str] = ()  # of Khronos' own, which it is granted once an operator switches it on
    providers: Sequence[str] = ()  # in this order; empty: as usual
    models: Mapping[str, str] = field(default_factory=dict)  # by provider
    language: str = ""  # en or pt; empty: that of the contact


@cache
def of_the_library() -> dict[str, Blueprint]:
    """By slug, which is the file's name. A tool or provider that nobody knows is a bug, and shows at once."""
    found = {}
    for each in iter_modules(library.__path__):
        module = import_module(f"{library.__name__}.{each.name}")
        found[each.name] = next(value for value in vars(module).values() if isinstance(value, Blueprint))
    for name in extensions.names("agents"):
        if name in found:
            raise extensions.lacking("agents", name, "is called as one of ours", "rename the file.")
        found[name] = extensions.one_of("agents", name, Blueprint, "one Blueprint (docs/agents.md).")
    for name, blueprint in found.items():
        if complaint := flaw(blueprint):
            beside = settings.EXTENSIONS["agents"].get(name)
            raise Misconfigured(f"{beside.path if beside else f'the agent {name}'}: {complaint}")
    return found


def flaw(blueprint: Blueprint) -> str:
    named: tuple[tuple[str, Iterable[str], Iterable[str]], ...] = (
        ("tool", blueprint.tools, toolbox.of_the_library()),
        ("provider", [*blueprint.providers, *blueprint.models], providers.names()),
        ("language", [blueprint.language], Agent.Language.values),
    )
    for sort, wanted, known in named:
        if unknown := sorted({*wanted} - {*known}):
            choice = ", ".join(each for each in sorted(known) if each)
            return f"there is no {sort} {', '.join(unknown)}.\n  Fix: one of {choice}."
    return ""


def put_in(*tenants: Tenant) -> list[Agent]:
    """Answers those that were not there before."""
    blueprints = of_the_library()
    pairs = Agent.objects.filter(slug__in=blueprints).values_list("tenant", "slug")
    there = set(pairs)
    return [
        made(tenant, slug, blueprint)
        for tenant in tenants
        for slug, blueprint in blueprints.items()
        if (tenant.pk, slug) not in there
    ]


@transaction.atomic
def made(tenant: Tenant, slug: str, blueprint: Blueprint) -> Agent:
    agent = Agent.objects.create(
        tenant=tenant,
        slug=slug,
        name=blueprint.name,
        instructions=blueprint.instructions,
        providers=list(blueprint.providers),
        model_by_provider=dict(blueprint.models),
        language=blueprint.language,
        is_active=False,
    )
    for tool in blueprint.tools:
        ToolGrant.objects.create(tenant=tenant, agent=agent, tool=tool, note=blueprint.name)
    return agent
