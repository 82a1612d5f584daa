"""The page that says why, and the command: what they show, to whom, and what can be done from there."""

import io
import json
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from rich.console import Console

from bench.simulator import Simulator
from khronos.desk.why import explain
from khronos.management import whyline
from khronos.management.hands import language
from khronos.models import Channel, DeadLetter, Delivery, Event, Message, Turn, Update
from tests import factories as make
from tests.fixtures.desk import seed
from tests.integration import way
from tests.integration.started import ENDS_S, STARTS_S, started_in
from tests.integration.why_scene import ANA, last, say

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]
SOON_S = STARTS_S + ENDS_S  # a command does both


def address(reference: object) -> str:
    return reverse("admin:khronos_why_of", args=[reference])


def read(client: Client, reference: object, status: int = 200, language: str = "en") -> str:
    response = client.get(address(reference), headers={"accept-language": language})
    assert response.status_code == status
    return response.content.decode()


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("why", *arguments, stdout=out)
    return out.getvalue()


# The page


def test_page_tells_verdict_and_steps(operator: Client, telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    way.answer()
    page = read(operator, f"{ANA}/last")
    assert f"{last().verdict.text}</p>" in page
    assert '<blockquote class="kh-quote">hi</blockquote>' in page
    assert page.count('<li class="kh-step') == len(last().steps)
    assert '<button class="kh-button kh-small"' not in page
    widths = [float(width) for width in re.findall(r'<rect x="[\d.]+" width="([\d.]+)"', page)]
    assert len(widths) == len(last().steps)
    assert all(0 < width <= 100 for width in widths)


def test_page_speaks_portuguese(operator: Client, telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    way.answer()
    page = read(operator, f"{ANA}/last", language="pt-br")
    assert "Respondida depois de " in page
    assert "despachada para agent.ai" in page
    assert not re.search(r'<rect x="\d+,', page)
    assert "Answered after" not in page


def test_field_takes_any_id(operator: Client, telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    trace_id = Update.objects.get().trace_id
    response = operator.get(reverse("admin:khronos_why"), {"q": f" {trace_id} "})
    assert (response.status_code, response.headers["Location"]) == (302, address(trace_id))
    empty = operator.get(reverse("admin:khronos_why"))
    assert (empty.status_code, b'name="q"' in empty.content) == (200, True)


def test_unknown_id_is_told_what_may_be_given(operator: Client, telegram: Channel) -> None:
    page = read(operator, "<script>alert(1)</script>", status=404)
    assert "What may be given" in page
    assert "<script>alert(1)" not in page


def test_every_row_has_its_way_to_the_page(operator: Client) -> None:
    seed()
    for model in (Message, Turn, Delivery, Update, Event, DeadLetter):
        noun = str(model._meta.model_name)
        row = model._default_manager.latest("pk")
        link = address(f"{noun}:{row.pk}")
        if isinstance(row, DeadLetter):
            row = DeadLetter.objects.filter(source="turn")[0]
            link = address(f"turn:{row.key}")
        for page in ("changelist", "change"):
            where = reverse(f"admin:khronos_{noun}_{page}", args=[row.pk] if page == "change" else [])
            assert f'href="{link}"' in operator.get(where).content.decode()
        assert operator.get(link).status_code == 200


def test_every_message_of_a_busy_desk_has_a_story(operator: Client) -> None:
    seed()
    for model in (Message, Turn, Delivery, Update, Event):
        for row in model._default_manager.all():
            assert explain(f"{model._meta.model_name}:{row.pk}").verdict.text


def test_what_was_given_up_is_repaired_from_the_page(
    operator: Client, telegram: Channel, sim: Simulator
) -> None:
    sim.telegram.fail(status=400, method="sendMessage", description="Bad Request: chat not found", count=1)
    say(sim, telegram, "hi")
    way.answer()
    page = read(operator, f"{ANA}/last")
    assert f"Send again (delivery {Delivery.objects.get().pk})" in page
    assert reverse("admin:khronos_deadletter_change", args=[DeadLetter.objects.get().pk]) in page
    data = {
        "action": "send_again",
        "_selected_action": str(Delivery.objects.get().pk),
        "index": "0",
        "next": address(f"{ANA}/last"),
    }
    response = operator.post(reverse("admin:khronos_delivery_changelist"), data, follow=True)
    assert response.redirect_chain == [(address(f"{ANA}/last"), 302)]
    page = response.content.decode()
    assert "olga: Will be sent" in page
    assert "replayed" in page
    way.answer()
    assert last().verdict.outcome == "answered"


def test_who_may_only_look_sees_no_button(client: Client, telegram: Channel, sim: Simulator) -> None:
    sim.telegram.fail(status=400, method="sendMessage", description="Bad Request: chat not found", count=1)
    say(sim, telegram, "hi")
    way.answer()
    looker = make.make_user(is_superuser=False)
    client.force_login(looker)
    read(client, f"{ANA}/last", status=403)
    looker.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    page = read(client, f"{ANA}/last")
    assert "chat not found" in page
    assert "Send again" not in page


def test_strangers_are_asked_to_sign_in(client: Client, telegram: Channel) -> None:
    response = client.get(address("1"))
    assert (response.status_code, "/admin/login/" in response.headers["Location"]) == (302, True)


# The command


def test_command_is_plain_in_a_pipe(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    way.answer()
    shown = run(f"{ANA}/last")
    assert shown.startswith("✅ Answered after ")
    assert "dispatched to agent.ai" in shown
    assert "\x1b" not in shown
    assert "━" not in shown
    assert run("turn", str(Turn.objects.get().pk)) == shown


def test_terminal_has_bars_and_colours(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    way.answer()
    out = io.StringIO()
    whyline.show(last(), Console(file=out, force_terminal=True, width=120, color_system="standard"))
    assert "━" in out.getvalue()
    assert "\x1b[1;32m✅ Answered after" in out.getvalue()


def test_programs_get_json(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    told = json.loads(run(f"{ANA}/last", "--json"))
    assert told["verdict"]["reason"] == "no_agent"
    assert told["rows"]["turn"] == Turn.objects.get().pk
    assert [step["step"] for step in told["steps"]] == ["received", "dispatched", "turn", "waiting"]
    assert told["trace_id"] == Update.objects.get().trace_id
    assert "said" not in told


def test_command_speaks_as_it_is_told_or_as_lang_says(
    telegram: Channel, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(sim, telegram, "hi")
    way.answer()
    assert run(f"{ANA}/last", "--lang", "pt-br").startswith("✅ Respondida depois de ")
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert language(None) == "en"
    monkeypatch.setenv("LANG", "pt_BR.UTF-8")
    assert language(None) == "pt-br"
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert language(None) == "en"
    assert run(f"{ANA}/last", "--lang", "en").startswith("✅ Answered after ")


@pytest.mark.django_db(transaction=True)
def test_command_works_while_all_else_is_down(telegram: Channel, sim: Simulator, tmp_path: Path) -> None:
    say(sim, telegram, "hi")
    with started_in(tmp_path, "redis://127.0.0.1:1/0", "http://127.0.0.1:1") as command:
        assert command.start("manage.py", "why", f"{ANA}/last").code(SOON_S) == 0
        told = command.log.read_text()
        assert "⏳ Not answered yet. Valkey does not answer" in told
        assert "opened turn" in told
        assert command.start("manage.py", "why", "never-heard").code(SOON_S) == 1
        assert "What may be given" in command.log.read_text()
    assert not Delivery.objects.exists()


def test_unknown_id_fails_with_what_may_be_given(telegram: Channel) -> None:
    with pytest.raises(CommandError, match="What may be given: last, a trace id") as caught:
        run("turn", "9")
    assert caught.value.returncode == 1
