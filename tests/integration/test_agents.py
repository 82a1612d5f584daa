"""Agents: who answers on which channel, with which words, models and tools, and who pays."""

import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from django.db.models import RestrictedError
from django.test import Client
from django.urls import reverse

from bench.simulator import Simulator
from bench.simulator.models.prompt import Answer, Prompt
from khronos.agents import blueprint, library
from khronos.models import Agent, Channel, Event, ToolCall, ToolGrant, Usage, UsageDay
from khronos.observability import metrics
from tests import factories as make
from tests.integration import way
from tests.integration.test_tools import fresh, script, talk, wants

__all__ = ["fresh"]
pytestmark = pytest.mark.usefixtures("bus")


def asked(sim: Simulator) -> list[Prompt]:
    return script(sim, *[Answer("Hello.") for _ in range(9)])


def test_a_new_tenant_has_one_agent_and_it_is_the_default(db: None) -> None:
    tenant = make.make_tenant()
    assert list(tenant.agents.values_list("slug", flat=True)) == ["assistant"]
    tenant.name = "Renamed"
    tenant.save()
    assert tenant.agents.count() == 1
    with pytest.raises(RestrictedError):
        tenant.agent.delete()
    tenant.delete()
    assert Agent.objects.count() == 0


def test_a_channel_is_answered_by_its_agent_and_the_others_by_the_default(
    telegram: Channel, sim: Simulator
) -> None:
    telegram.tenant.agents.update(instructions="You are the default.")
    own = {"anthropic": "claude-haiku-5-5"}
    agent = make.make_agent(
        tenant=telegram.tenant, slug="vet", instructions="You are a vet.", model_by_provider=own
    )
    seen = asked(sim)
    talk(telegram, sim, "Hi")
    Channel.objects.update(agent=agent)
    talk(telegram, sim, "Hi again")
    Agent.objects.filter(pk=agent.pk).update(is_active=False)
    talk(telegram, sim, "And now?")
    assert [prompt.system.split(".")[0] for prompt in seen] == [
        "You are the default",
        "You are a vet",
        "You are the default",
    ]
    models = [configured.ANTHROPIC_MODEL, "claude-haiku-5-5", configured.ANTHROPIC_MODEL]
    assert [prompt.model for prompt in seen] == models
    told = Event.objects.filter(type=Event.Type.RESPONSE_GENERATED).order_by("pk")
    assert [event.payload["agent"] for event in told] == ["assistant", "vet", "assistant"]


def test_an_agent_speaks_its_own_language_whatever_the_contact_speaks(
    telegram: Channel, sim: Simulator
) -> None:
    telegram.tenant.agents.update(language="en")
    seen = asked(sim)
    talk(telegram, sim, "Oi, tudo bem?", "/start")
    assert "Answer in English" in seen[0].system
    assert any(said.startswith("Hello! Write to me") for said in sim.telegram.answers(way.ANA))


def test_a_tool_of_one_agent_is_not_reached_by_another(telegram: Channel, sim: Simulator) -> None:
    agent = make.make_agent(tenant=telegram.tenant)
    make.make_grant(tenant=telegram.tenant, agent=agent)
    seen = script(sim, wants("search_catalogue", "I look.", words="cup"), Answer("Hello."))
    talk(telegram, sim, "Do you have cups?")
    assert [prompt.tools for prompt in seen] == [[]]
    assert sim.telegram.answers(way.ANA) == ["I look."]
    assert ToolCall.objects.count() == 0
    Channel.objects.update(agent=agent)
    talk(telegram, sim, "And now?")
    assert seen[-1].tools == ["search_catalogue"]


def test_the_ledger_tells_agents_apart(telegram: Channel, sim: Simulator) -> None:
    agent = make.make_agent(tenant=telegram.tenant, slug="vet")
    cost = metrics.COST.labels(model=configured.ANTHROPIC_MODEL, agent="vet")
    before = cost._value.get()
    talk(telegram, sim, "Hi")
    Channel.objects.update(agent=agent)
    talk(telegram, sim, "Hi again")
    assert list(Usage.objects.order_by("pk").values_list("agent", flat=True)) == ["assistant", "vet"]
    assert sorted(UsageDay.objects.values_list("agent", "calls")) == [("assistant", 1), ("vet", 1)]
    assert cost._value.get() > before
    out = StringIO()
    call_command("usage", "--json", stdout=out)
    assert {line["name"] for line in json.loads(out.getvalue())["agents"]} == {"assistant", "vet"}


@pytest.fixture
def night_watch(tmp_path: Path) -> Iterator[None]:
    """The file that docs/agents.md shows, where such files lie."""
    page = (configured.BASE_DIR / "docs" / "agents.md").read_text()
    found = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert found is not None
    (tmp_path / "night_watch.py").write_text(found[1])
    library.__path__.append(str(tmp_path))
    blueprint.of_the_library.cache_clear()
    yield
    library.__path__.remove(str(tmp_path))
    blueprint.of_the_library.cache_clear()


@pytest.mark.usefixtures("night_watch")
def test_an_agent_that_is_one_file_is_a_row_that_an_operator_switches_on(
    telegram: Channel, sim: Simulator
) -> None:
    blueprint.put_in(telegram.tenant)
    agent = Agent.objects.get(slug="night_watch")
    assert (agent.name, agent.language, agent.is_active) == ("Night watch", "pt", False)
    Channel.objects.update(agent=agent)
    make.make_product(tenant=telegram.tenant, name="Blue cup", sku="CUP-1")
    seen = script(sim, Answer("Hm."), wants("search_catalogue", words="cup"), Answer("Temos."))
    talk(telegram, sim, "Do you have cups?")
    assert (seen[0].tools, seen[0].model) == ([], configured.ANTHROPIC_MODEL)
    Agent.objects.filter(pk=agent.pk).update(is_active=True)
    talk(telegram, sim, "Do you have cups?")
    assert seen[1].system.startswith("You keep watch at night.")
    assert (sorted(seen[1].tools), seen[1].model) == (["hand_off", "search_catalogue"], "claude-haiku-5-5")
    assert "CUP-1" in seen[2].results[0]


@pytest.mark.usefixtures("night_watch")
def test_what_an_operator_changed_stays_when_the_files_are_read_again(db: None) -> None:
    tenant = make.make_tenant()
    assert {agent.slug for agent in blueprint.put_in(tenant)} == {"night_watch", "receptionist"}
    Agent.objects.filter(slug="night_watch").update(instructions="Mine.", is_active=True)
    ToolGrant.objects.filter(agent__slug="night_watch", tool="hand_off").delete()
    assert blueprint.put_in(tenant) == []
    agent = Agent.objects.get(slug="night_watch")
    assert (agent.instructions, agent.is_active) == ("Mine.", True)
    assert list(agent.tool_grants.values_list("tool", flat=True)) == ["search_catalogue"]


def form(agent: Agent, **said: object) -> dict[str, object]:
    kept = {name: getattr(agent, name) for name in ("name", "slug", "instructions", "language")}
    return (
        kept
        | {"tenant": agent.tenant_id, "is_active": "on", "order": "", "anthropic": "", "openai": ""}
        | said
    )


def test_operator_makes_another_agent_the_default(client: Client, telegram: Channel) -> None:
    client.force_login(make.make_user())
    agent, before = make.make_agent(tenant=telegram.tenant), telegram.tenant.agent
    page = reverse("admin:khronos_agent_change", args=[agent.pk])
    said = form(agent, is_default="on", order="openai, anthropic", anthropic="claude-haiku-5-5")
    assert client.post(page, said).status_code == 302
    telegram.tenant.refresh_from_db()
    agent.refresh_from_db()
    assert telegram.tenant.default_agent == agent
    assert agent.providers == ["openai", "anthropic"]
    assert agent.model_by_provider == {"anthropic": "claude-haiku-5-5"}
    for refused in ({}, {"is_default": "on", "is_active": ""}, {"is_default": "on", "order": "nobody"}):
        given = {
            name: value for name, value in form(agent, **refused).items() if value or name != "is_active"
        }
        assert client.post(page, given).status_code == 200
    telegram.tenant.refresh_from_db()
    assert telegram.tenant.default_agent == agent
    delete = reverse("admin:khronos_agent_delete", args=[agent.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403
    assert (
        client.post(reverse("admin:khronos_agent_delete", args=[before.pk]), {"post": "yes"}).status_code
        == 302
    )
    assert list(telegram.tenant.agents.all()) == [agent]


def test_another_tenants_agent_is_refused_by_channels_and_grants(client: Client, telegram: Channel) -> None:
    client.force_login(make.make_user())
    theirs = make.make_agent()
    page = reverse("admin:khronos_channel_change", args=[telegram.pk])
    said = {"tenant": telegram.tenant_id, "name": "x", "slug": "x", "kind": "telegram", "routing": "bot"}
    answer = client.post(page, said | {"delivery_mode": "send", "agent": theirs.pk})
    assert (answer.status_code, answer.context["adminform"].errors.keys()) == (200, {"agent"})
    grant = {"tenant": telegram.tenant_id, "agent": theirs.pk, "tool": "hand_off", "confirmation": ""}
    answer = client.post(reverse("admin:khronos_toolgrant_add"), grant)
    assert (answer.status_code, answer.context["adminform"].errors.keys()) == (200, {"agent"})
    assert ToolGrant.objects.count() == 0
