"""Instructions of tenants and tools of channels become agents, and go back."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from khronos.models import Agent, Channel, Tenant, ToolGrant
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = "0017_a_copy_replaced"


def nouns_before() -> dict[str, Any]:
    apps = MigrationExecutor(connection).loader.project_state([("khronos", BEFORE)]).apps
    return {name: apps.get_model("khronos", name) for name in ("Tenant", "ToolGrant")}


@pytest.fixture
def back() -> Any:
    """At the end all is as the other tests expect it, whatever has failed."""
    yield
    call_command("migrate", "khronos", verbosity=0)


@pytest.mark.usefixtures("back")
def test_words_and_grants_survive_the_way_back_and_forth() -> None:
    tenant = make.make_tenant()
    tenant.agents.update(instructions="You sell bread.", providers=["openai"])
    site, bot = make.make_channel(tenant=tenant, slug="site"), make.make_channel(tenant=tenant, slug="bot")
    site.agent = make.make_agent(tenant=tenant)
    site.save()
    idle = make.make_agent(tenant=tenant)
    for agent, tool in (
        (None, "hand_off"),
        (site.agent, "my_orders"),
        (tenant.agent, "my_details"),
        (idle, "x"),
    ):
        ToolGrant.objects.create(tenant=tenant, agent=agent, tool=tool, confirmation="operator", note=tool)

    call_command("migrate", "khronos", BEFORE, verbosity=0)
    old = nouns_before()
    row = old["Tenant"].objects.get()
    assert (row.instructions, row.providers) == ("You sell bread.", ["openai"])
    grants = old["ToolGrant"].objects.values_list("channel", "tool", "confirmation", "note")
    assert sorted(grants, key=lambda each: each[1]) == [
        (None, "hand_off", "operator", "hand_off"),
        (bot.pk, "my_details", "operator", "my_details"),
        (site.pk, "my_orders", "operator", "my_orders"),
    ]

    call_command("migrate", "khronos", verbosity=0)
    tenant = Tenant.objects.get()
    assert (tenant.agent.slug, tenant.agent.instructions) == ("assistant", "You sell bread.")
    assert sorted(tenant.agents.values_list("slug", flat=True)) == ["assistant", "bot", "site"]
    for channel, tool in ((bot, "my_details"), (site, "my_orders")):
        agent = Channel.objects.get(pk=channel.pk).agent
        assert agent is not None
        assert (agent.instructions, agent.providers) == ("You sell bread.", ["openai"])
        assert list(ToolGrant.objects.of(tenant.pk, agent.pk).values_list("tool", flat=True)) == [
            "hand_off",
            tool,
        ]
    assert Agent.objects.filter(is_active=True).count() == 3
