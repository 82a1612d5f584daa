"""An agent as its developer writes it: a file of `library/`, a row of each tenant (docs/agents.md).

The row is made once, switched off. From then on it is the operator's: a changed file changes no row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from django.db import transaction

from khronos.agents import library
from khronos.agents.tools import toolbox
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
    """By slug, which is the file's name. A tool that nobody knows is a bug, and shows at once."""
    found = {}
    for each in iter_modules(library.__path__):
        module = import_module(f"{library.__name__}.{each.name}")
        blueprint = next(value for value in vars(module).values() if isinstance(value, Blueprint))
        if unknown := set(blueprint.tools) - set(toolbox.of_the_library()):
            raise LookupError(f"{module.__name__}: there is no tool {', '.join(sorted(unknown))}")
        found[each.name] = blueprint
    return found


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
