"""Files beside Khronos that are broken: each is told with its name, the fix, and before anything starts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as configured
from pytest_django import Settings

from khronos.exceptions import Misconfigured
from khronos.launch import beside
from khronos.management import contracts
from settings import extensions as names
from settings.env import env
from tests.beside import documented, put
from tests.integration.test_extending import forget

TOOL = documented()["tools", "opening_hours"]
AGENT = documented()["agents", "night_watch"]
OLLAMA = documented()["providers", "ollama"]
WHATSAPP = documented()["channels", "whatsapp"]


@pytest.fixture(autouse=True)
def loaded_anew() -> Iterator[None]:
    forget()
    yield
    forget()


# What is in the file, and what is said of it.
BROKEN = {
    "a typing error": ("tools/x", "def x(:\n", "x.py, line 1: SyntaxError"),
    "a missing import": ("tools/x", "\nimport nowhere_at_all\n", "x.py, line 2: ModuleNotFoundError"),
    "a file without a tool": ("tools/x", "A = 1\n", "x.py holds no Tool.\n  Fix: one function with @tool"),
    "a tool of ours": ("tools/x", TOOL.replace("def opening_hours", "def hand_off"), "a second hand_off"),
    "another argument": ("tools/x", TOOL.replace("city: str", "town: str"), "takes ['city'], its func"),
    "nobody to confirm": ("tools/x", TOOL.replace("is_cacheable=True", "confirmed_by='me'"), "confirmed by"),
    "no JSON Schema": ("tools/x", TOOL.replace('"string"', '"strnig"'), "no JSON Schema: 'strnig' is not"),
    "an unknown flag": ("tools/x", TOOL.replace("is_cacheable", "cacheable"), "x.py, line 10: TypeError"),
    "an unknown tool": (
        "agents/x",
        AGENT.replace('"hand_off"', '"hand_of"'),
        "there is no tool hand_of",
    ),
    "an unknown model": ("agents/x", AGENT.replace('"anthropic"', '"antropic"'), "no provider antropic"),
    "an unknown language": (
        "agents/x",
        AGENT.replace('"pt"', '"fr"'),
        "no language fr.\n  Fix: one of en",
    ),
    "an agent of ours": ("agents/receptionist", AGENT, "is called as one of ours"),
    "a channel of ours": ("channels/telegram", WHATSAPP, "is called as one of ours"),
    "a channel without KIND": ("channels/x", WHATSAPP.replace("KIND =", "KINDS ="), "x.py holds no KIND"),
    "another's name": ("providers/x", OLLAMA, 'a class of another name.\n  Fix: name = "x" in it.'),
    "no provider": ("providers/x", "A = 1\n", "x.py holds no class with complete"),
    "no way to tell": ("alerts/x", "A = 1\n", "x.py holds no tell"),
}


@pytest.mark.parametrize("row", BROKEN.values(), ids=list(BROKEN))
def test_file_that_is_broken_is_told_with_its_name_and_a_fix(
    row: tuple[str, str, str], tmp_path: Path, settings: Settings
) -> None:
    place, code, told = row
    sort, _, name = place.partition("/")
    extension = put(tmp_path, sort, name, code)
    settings.EXTENSIONS = {each: {} for each in names.SORTS} | {sort: {name: extension}}
    with pytest.raises(Misconfigured) as caught:
        beside.loaded()
    said = str(caught.value)
    assert str(extension.path) in said
    assert told in said
    assert "Fix: " in said


def test_files_that_nobody_would_look_at_are_told(tmp_path: Path) -> None:
    known = names.found(tmp_path)
    assert known == {sort: {} for sort in names.SORTS}
    put(tmp_path, "tools", "_half_done", "def x(:\n")
    put(tmp_path, "tools", "fine", TOOL)
    home = tmp_path / "extensions"
    assert list(names.found(home)["tools"]) == ["fine"]
    (home / "tool").mkdir()
    with pytest.raises(Misconfigured, match="tool is looked at by nobody"):
        names.found(home)
    (home / "tool").rmdir()
    (home / "tools" / "Über-Tool.py").touch()
    with pytest.raises(Misconfigured, match="has no name to go by"):
        names.found(home)


def test_package_that_is_installed_may_bring_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "of_a_shop", "tools", "opening_hours", TOOL)
    (tmp_path / "of_a_shop" / "extensions").rename(tmp_path / "shop_extensions")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(names, "env", env.model_copy(update={"extensions": "shop_extensions"}))
    [(name, found)] = names.found(tmp_path / "nothing")["tools"].items()
    assert (name, found.module) == ("opening_hours", "shop_extensions.tools.opening_hours")
    monkeypatch.setattr(names, "env", env.model_copy(update={"extensions": "no_such_thing"}))
    with pytest.raises(Misconfigured, match="'no_such_thing', which is no installed package"):
        names.found(tmp_path / "nothing")


def test_numbers_of_a_provider_beside_come_from_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_TIMEOUT_S", "90")
    assert names.environment_of("ollama").timeout_s == 90
    monkeypatch.setenv("OLLAMA_TIMEOUT_S", "soon")
    with pytest.raises(Misconfigured, match="OLLAMA_TIMEOUT_S is 'soon'"):
        names.environment_of("ollama")
    with pytest.raises(Misconfigured, match="PROVIDER_ORDER names 'olama', whom nobody knows"):
        names.chosen("PROVIDER_ORDER", "olama", configured.PROVIDER_ORDER)


# What is written in the place of what, and what is said of it.
FAULTS = {
    "a repeat of what may have arrived": ("repeatable=False", "repeatable=True", "a 500 is Transient"),
    "an identity that fails": ("return unknown(raw)", "raise", "it may never raise"),
    "a reader that fails": ("raise Unreadable(", "raise RuntimeError(", "raise Unreadable for what"),
    "a door that is open": ("return hmac.compare_digest(call", "return True or (call", "without a signature"),
    "a greeting to all": ("if is_theirs else None", "", "greeting answers whoever asks"),
    "a 429 that pauses nothing": ("Claim(self.budget", 'Claim("other"', "a 429 would pause nothing"),
    "a breaker that is not there": ('guard = "', 'guard = "x', "is no breaker"),
    "an address that is fixed": ("WHATSAPP_BASE_URL", "WHATSAPP_URL", "its address is fixed"),
    "a question that is forgotten": ("words_with_papers(line)", '"…"', "the question was not sent"),
    "a failure of its own": ('answer.get("message")', 'answer["message"]', "KeyError"),
}


@pytest.mark.parametrize("row", FAULTS.values(), ids=list(FAULTS))
def test_contract_names_what_would_not_work(
    row: tuple[str, str, str], tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong, told = row
    of_channel = "channels", "whatsapp", WHATSAPP
    sort, name, code = of_channel if right in WHATSAPP else ("providers", "ollama", OLLAMA)
    assert right in code
    extension = put(tmp_path, sort, name, code.replace(right, wrong))
    settings.EXTENSIONS = {each: {} for each in names.SORTS} | {sort: {name: extension}}
    settings.BREAKERS = settings.BREAKERS | {"whatsapp": {}}
    settings.OLLAMA_API_KEY = settings.OLLAMA_BASE_URL = settings.OLLAMA_MODEL = ""
    settings.PROVIDER_TOTAL_TIMEOUT_S = settings.PROVIDER_TOTAL_TIMEOUT_S | {"ollama": 5.0}
    monkeypatch.setenv("WHATSAPP_BASE_URL", "")
    [(what, broken)] = contracts.kept()
    assert what == f"{sort} {name}"
    assert [line for line in broken if told in line], broken
