"""The Procfile as a shell would read it."""

from pathlib import Path

import pytest

from khronos.exceptions import Misconfigured
from khronos.launch import plan
from khronos.launch.procfile import read, words
from settings.dotenv import ROOT


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python manage.py beat", ("python", "manage.py", "beat")),
        ("run --port ${PORT:-18789}", ("run", "--port", "9000")),
        ("run --port $PORT", ("run", "--port", "9000")),
        ("run ${ABSENT:-5555}", ("run", "5555")),
        ("run ${ABSENT}/x", ("run", "/x")),
        ("run ${EMPTY:-other}", ("run", "other")),  # as a shell's :- has it
        ("run ${FOLDER}/conf", ("run", "/a b/conf")),  # one word, whatever is in it
        ("run 'two words'", ("run", "two words")),
    ],
)
def test_words(command: str, expected: tuple[str, ...]) -> None:
    assert words(command, {"PORT": "9000", "FOLDER": "/a b", "EMPTY": ""}) == expected


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("# fine\n\nweb: run\nnonsense\n")
    with pytest.raises(Misconfigured, match="line 4"):
        list(read(tmp_path / "Procfile"))


def test_every_process_of_ours_has_its_place_in_the_order() -> None:
    assert {name for name, _command in read(ROOT / "Procfile")} == set(plan.WAVES)


@pytest.mark.parametrize(
    ("settings", "runs", "rests"),
    [
        ({"VALKEY_PORT": "1"}, {"valkey", "litestream"}, {"poller"}),
        ({"REDIS_URL": "redis://x"}, {"litestream"}, {"valkey", "poller"}),
        ({"DATABASE_URL": "postgresql://x"}, set(), {"litestream"}),
        ({"TELEGRAM_BOT_TOKEN": "1:x"}, {"poller"}, set()),
        ({"TELEGRAM_BOT_TOKEN": "1:x", "PUBLIC_URL": "https://x"}, set(), {"poller"}),
    ],
)
def test_what_runs_depends_on_the_settings(settings: dict[str, str], runs: set[str], rests: set[str]) -> None:
    wanted = {name for name in plan.WAVES if plan.is_wanted(name, settings)}
    assert runs <= wanted
    assert not rests & wanted


def test_agents_are_as_many_as_set() -> None:
    assert plan.names("agent", {"AGENT_PROCESSES": "3"}) == ["agent", "agent-2", "agent-3"]
    assert plan.names("web", {"AGENT_PROCESSES": "3"}) == ["web"]
