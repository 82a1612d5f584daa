"""The doctor says in words what is amiss, offers the fix, and mends what is safe to mend."""

import io
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.agents.providers import fate_of
from khronos.channels.telegram.api import BotApi
from khronos.launch import state
from khronos.launch.home import Home
from khronos.management.diagnosis.storage import database
from khronos.models import Channel
from tests.conftest import TOKEN
from tests.factories import make_agent

PUBLIC = "http://talk.example"
pytestmark = pytest.mark.usefixtures("bus")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Path:
    """A folder as `make up` leaves it, on a machine without any key."""
    monkeypatch.setenv("KHRONOS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PORT", "0")
    made = Home.configured()
    made.make()
    made.secrets.touch(mode=0o600)
    settings.ANTHROPIC_API_KEY = settings.OPENAI_API_KEY = ""
    return made.path


def doctor(*options: str) -> tuple[int, str]:
    said = io.StringIO()
    try:
        call_command("doctor", "--lang", "en", *options, stdout=said)
    except SystemExit as ended:
        return int(str(ended.code)), said.getvalue()
    return 0, said.getvalue()


@pytest.mark.usefixtures("transactional_db")
def test_nothing_needs_mending() -> None:
    code, said = doctor()
    assert (code, said.count("❌")) == (0, 0), said
    assert said.endswith("Nothing needs mending.\n")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="python -m tests.postgresql runs it")
def test_a_server_that_lets_nobody_in_is_quoted(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{connection.settings_dict["NAME"]}" CONNECTION LIMIT 0')
        cursor.execute("DROP ROLE IF EXISTS khronos_small")
        cursor.execute("CREATE ROLE khronos_small LOGIN")
    given = connection.settings_dict["USER"]
    connection.settings_dict["USER"] = "khronos_small"  # an administrator is always let in
    try:
        [found] = database()
    finally:
        connection.settings_dict["USER"] = given
        with connection.cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{connection.settings_dict["NAME"]}" CONNECTION LIMIT -1')
            cursor.execute("DROP ROLE khronos_small")
    assert not found.is_well
    assert "too many connections for database" in found.says
    assert "docs/runbooks/database-down.md" in found.fix


@pytest.mark.usefixtures("transactional_db")
def test_it_speaks_portuguese() -> None:
    said = io.StringIO()
    call_command("doctor", "--lang", "pt-BR", stdout=said)
    assert "Nada precisa de conserto." in said.getvalue()
    assert "Banco de dados" in said.getvalue()


@pytest.mark.usefixtures("transactional_db")
def test_secrets_that_others_may_read_are_closed_by_fix_alone(home: Path) -> None:
    secrets = home / "secrets.env"
    secrets.chmod(0o644)
    code, said = doctor()
    assert code == 1
    assert f"others may read {secrets} (644)" in said
    assert f"chmod 600 {secrets}" in said
    assert secrets.stat().st_mode & 0o777 == 0o644
    code, said = doctor("--fix")
    assert (code, said.count("mended")) == (0, 1)
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert doctor()[0] == 0


@pytest.mark.django_db(transaction=True)
def test_a_wrong_token_is_named_without_itself(telegram: Channel) -> None:
    Channel.objects.update(token="999999:unknown-token")
    code, said = doctor()
    assert code == 1
    assert "default: Telegram refuses the token" in said
    assert "@BotFather" in said
    assert "unknown-token" not in said


@pytest.mark.django_db(transaction=True)
def test_a_webhook_that_differs_is_set_by_fix_alone(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.ANTHROPIC_API_KEY = ""
    settings.PUBLIC_URL = PUBLIC
    BotApi(TOKEN).set_webhook("http://other.example/", "other", [])
    code, said = doctor()
    assert code == 1
    assert "the webhook is http://other.example/" in said
    code, said = doctor("--fix")
    webhook = sim.telegram.bot(TOKEN).webhook
    assert webhook is not None
    assert (code, webhook.url, webhook.secret) == (0, f"{PUBLIC}/webhooks/telegram/default/", "hush")
    sim.telegram.set_webhook("", token=TOKEN)


@pytest.mark.usefixtures("transactional_db")
def test_a_model_that_is_gone_is_named_with_its_heir(settings: Settings) -> None:
    settings.ANTHROPIC_MODEL = "claude-opus-4-1"
    code, said = doctor()
    assert code == 1
    assert "ANTHROPIC_MODEL=claude-opus-4-1 is gone; use claude-opus-5-5" in said


@pytest.mark.usefixtures("transactional_db")
def test_an_agents_model_that_is_gone_is_named_too() -> None:
    make_agent(model_by_provider={"anthropic": "claude-opus-4-1"})
    make_agent(model_by_provider={"anthropic": "claude-3-7-sonnet"}, is_active=False)
    code, said = doctor()
    assert code == 1
    assert "an agent asks for claude-opus-4-1, which is gone; use claude-opus-5-5" in said
    assert "claude-3-7" not in said


@pytest.mark.usefixtures("transactional_db")
def test_a_wrong_key_is_named_with_its_setting(sim: Simulator, settings: Settings) -> None:
    settings.ANTHROPIC_API_KEY = "sk-ant-wrong-key"
    sim.models.require_keys(["sk-ant-right"])
    code, said = doctor()
    sim.models.require_keys([])
    assert code == 1
    assert "anthropic refuses our key: 401" in said
    assert "correct ANTHROPIC_API_KEY, ANTHROPIC_MODEL or ANTHROPIC_BASE_URL in .env" in said
    assert "sk-ant-wrong-key" not in said


@pytest.mark.parametrize(
    ("model", "fate"),
    [
        ("claude-sonnet-4-5", "ends on 2026-11-30; use claude-sonnet-5-5"),
        ("claude-sonnet-4-5-20250929", "ends on 2026-11-30; use claude-sonnet-5-5"),
        ("claude-sonnet-4", "is gone; use claude-sonnet-5-5"),
        ("claude-sonnet-4-20250514", "is gone; use claude-sonnet-5-5"),
        ("claude-opus-4-20250514", "is gone; use claude-opus-5-5"),
        ("claude-3-7-sonnet-latest", "is gone; use claude-sonnet-5-5"),
        ("claude-sonnet-5-5", ""),
        ("claude-haiku-4-5", ""),
        ("gpt-5-mini", ""),
    ],
)
def test_what_becomes_of_models(model: str, fate: str) -> None:
    assert fate_of(model) == fate


@contextmanager
def running(name: str) -> Iterator[int]:
    """A process that looks after itself, under a supervisor that is this very test."""
    child = subprocess.Popen(["/bin/sleep", "60"], start_new_session=True)
    pids = {state.SUPERVISOR: os.getpid(), name: child.pid}
    began = {pid: psutil.Process(pid).create_time() for pid in pids.values()}
    state.save(Home.configured(), [state.Entry(n, pid, began[pid], "running", 0) for n, pid in pids.items()])
    try:
        yield child.pid
    finally:
        child.kill()
        child.wait()


@pytest.mark.usefixtures("transactional_db")
def test_a_process_that_stands_still_and_agents_that_are_gone_are_named() -> None:
    with running("valkey") as pid:
        os.kill(pid, signal.SIGSTOP)
        os.waitpid(pid, os.WUNTRACED)
        rows = state.rows(state.load(Home.configured()))
        code, said = doctor()
    assert {row.name: row.state for row in rows} == {"supervisor": "running", "valkey": "frozen"}
    assert code == 1
    assert "❌ valkey stands still" in said
    assert "❌ workers: no agent is alive" in said
    assert "❌ redis" not in said
    assert "2 run" not in said


@pytest.mark.usefixtures("transactional_db")
def test_processes_that_run_are_counted() -> None:
    with running("valkey"):
        said = doctor()[1]
    assert "✅ 2 run" in said
    assert "stands still" not in said
