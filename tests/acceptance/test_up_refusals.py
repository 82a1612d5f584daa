"""What `up` says when it cannot: the trouble, the fix, no traceback, exit code 1."""

import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bench.patience import free_port
from tests.acceptance.instance import Instance

PREPARE = (
    "import os; from khronos.launch import up; from khronos.launch.home import Home; "
    "from khronos.launch.screen import Screen; home, screen = Home.configured(), Screen(); "
    "home.make(); os.environ.update(up.settle_environment(home, screen)); "
    "from khronos.launch import prepare; prepare.run(home, screen)"
)


@pytest.fixture
def it(tmp_path: Path) -> Instance:
    return Instance(tmp_path / "home", PORT=str(free_port()), FLOWER_PORT=str(free_port()))


@pytest.fixture(scope="module")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What a first start leaves, and what it says."""
    it = Instance(
        tmp_path_factory.mktemp("first") / "home", PORT=str(free_port()), FLOWER_PORT=str(free_port())
    )
    return it.home, prepare(it)


@pytest.fixture
def started_before(it: Instance, first_start: tuple[Path, str]) -> Instance:
    shutil.copytree(first_start[0], it.home)
    return it


@pytest.fixture
def busy_port() -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield str(listener.getsockname()[1])


def refused(it: Instance, *words: str) -> None:
    result = it.manage("up")
    assert result.returncode == 1, result.stdout
    for word in ("❌", "Fix:", *words):
        assert word in result.stderr
    assert "Traceback" not in result.stderr
    assert it.processes() == []


def prepare(it: Instance) -> str:
    result = it.python("-c", PREPARE)
    assert result.returncode == 0, result.stderr
    return result.stdout


def sql(it: Instance, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(it.home / "khronos.sqlite3")) as database, database:
        return database.execute(statement).fetchall()


def test_a_port_that_was_set_and_is_taken(it: Instance, busy_port: str) -> None:
    it.env["PORT"] = busy_port
    refused(it, busy_port, "PORT")


def test_a_home_that_cannot_be_written(it: Instance, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    it.env["KHRONOS_HOME"] = str(tmp_path / "file" / "home")
    refused(it, "KHRONOS_HOME", "cannot be written")


def test_a_malformed_env_file(it: Instance, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("LOG_LEVEL=INFO\nthis is nonsense\n")
    it.env["KHRONOS_DOTENV"] = str(tmp_path / "env")
    refused(it, "line 2")


def test_a_value_of_the_wrong_kind(it: Instance) -> None:
    it.env["MAX_MEMORY_MB"] = "lots"
    refused(it, "MAX_MEMORY_MB", "lots")


def test_a_missing_program(started_before: Instance) -> None:
    it = started_before
    it.env["VALKEY_SERVER"] = "/nowhere/valkey-server"
    refused(it, "/nowhere/valkey-server", "deploy/bootstrap")


def test_what_is_no_database(it: Instance) -> None:
    it.home.mkdir()
    (it.home / "khronos.sqlite3").write_text(
        "this is no database, and it is long enough to be looked at\n" * 20
    )
    refused(it, "no database")


def test_the_database_of_a_newer_version(started_before: Instance) -> None:
    it = started_before
    sql(
        it,
        "INSERT INTO django_migrations (app, name, applied) VALUES ('khronos', '0999_future', '2030-01-01')",
    )
    refused(it, "newer", "0999_future")


def test_an_older_database_is_migrated_and_its_copy_kept(started_before: Instance) -> None:
    it = started_before
    assert it.manage("migrate", "auth", "0011").returncode == 0
    assert "Migrated the database" in prepare(it)
    copies = list((it.home / "backup").glob("before-migration-*.sqlite3"))
    assert len(copies) == 1
    with closing(sqlite3.connect(copies[0])) as copy:
        names = [name for (name,) in copy.execute("SELECT name FROM django_migrations WHERE app = 'auth'")]
    assert "0012_alter_user_first_name_max_length" not in names


def test_nothing_is_made_twice(started_before: Instance, first_start: tuple[Path, str]) -> None:
    secrets = (started_before.home / "secrets.env").read_text()
    said = prepare(started_before)
    assert "password" in first_start[1]
    assert "password" not in said
    assert "Made" not in said
    assert (started_before.home / "secrets.env").read_text() == secrets


def test_the_telegram_channel_follows_the_environment(started_before: Instance) -> None:
    it = started_before
    it.env |= {"TELEGRAM_BOT_TOKEN": "1:one", "TELEGRAM_WEBHOOK_SECRET": "first"}
    assert "Made the Telegram channel" in prepare(it)
    it.env |= {
        "TELEGRAM_BOT_TOKEN": "1:two",
        "TELEGRAM_WEBHOOK_SECRET": "second",
        "TELEGRAM_DELIVERY_MODE": "edit",
    }
    assert "Changed delivery_mode, secret, token" in prepare(it)
    query = "SELECT token, secret, previous_secret, delivery_mode FROM khronos_channel WHERE slug = 'default'"
    assert sql(it, query) == [("1:two", "second", "first", "edit")]


def test_a_deprecated_model_is_warned_of(started_before: Instance) -> None:
    started_before.env["ANTHROPIC_MODEL"] = "claude-sonnet-4-5"
    assert "⚠ ANTHROPIC_MODEL=claude-sonnet-4-5 ends on 2026-11-30" in prepare(started_before)
