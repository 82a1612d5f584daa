"""What is laid beside Khronos: files by name, and the numbers that go with a name (docs/extending.md).

Names are read here; the code is loaded later, by whoever needs it (khronos/extensions.py).
"""

import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, Field, ValidationError

from khronos.exceptions import Misconfigured
from settings import agents, resilience
from settings.dotenv import ROOT, merged
from settings.env import env, explain

SORTS = ("channels", "tools", "agents", "providers", "transcribers", "embedders", "alerts", "checks")
NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")
EXTENSIONS_HOME = env.home / "extensions"


class Extension(NamedTuple):
    path: Path
    module: str = ""  # its dotted name; empty: a file of KHRONOS_HOME


class ProviderEnvironment(BaseModel):
    """Of a provider called NAME: NAME_API_KEY and so on."""

    api_key: str = ""
    base_url: str = ""
    model: str = ""
    timeout_s: float = Field(30, gt=0)
    breaker_rest_s: float = Field(30, gt=0)
    requests_per_minute: int = Field(0, ge=0)
    concurrency: int = Field(10, ge=0)


def installed(package: str) -> Path:
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise Misconfigured(
            f"EXTENSIONS names {package!r}, which is no installed package.\n"
            f"  Fix: install it into {ROOT / '.venv'}, or take it out of EXTENSIONS."
        )
    return Path(next(iter(spec.submodule_search_locations)))


def files(folder: Path, package: str = "") -> Iterator[tuple[str, str, Extension]]:
    for sort in SORTS:
        for path in sorted((folder / sort).glob("[!_.]*.py")):
            if not NAME.fullmatch(path.stem):
                raise Misconfigured(
                    f"{path} has no name to go by.\n"
                    "  Fix: at most 20 small letters, digits and _ before the .py, a letter first."
                )
            yield sort, path.stem, Extension(path, package and f"{package}.{sort}.{path.stem}")


def strangers(folder: Path) -> None:
    """A folder of ours that is misspelt would be looked over without a word."""
    for path in sorted(folder.glob("[!_.]*")):
        if path.name not in SORTS and (path.is_dir() or path.suffix == ".py"):
            raise Misconfigured(
                f"{path} is looked at by nobody.\n  Fix: move it into a folder called {', '.join(SORTS)}."
            )


def found(home: Path = EXTENSIONS_HOME) -> dict[str, dict[str, Extension]]:
    strangers(home)
    packages = [name.strip() for name in env.extensions.split(",") if name.strip()]
    known: dict[str, dict[str, Extension]] = {sort: {} for sort in SORTS}
    for folder, package in ((home, ""), *((installed(name), name) for name in packages)):
        for sort, name, extension in files(folder, package):
            if other := known[sort].get(name):
                raise Misconfigured(f"{extension.path} and {other.path} have one name.\n  Fix: rename one.")
            known[sort][name] = extension
    return known


def environment_of(provider: str) -> ProviderEnvironment:
    said, prefix = merged(), f"{provider.upper()}_"
    fields = ProviderEnvironment.model_fields
    given: dict[str, Any] = {
        name: said[prefix + name.upper()] for name in fields if prefix + name.upper() in said
    }
    try:
        return ProviderEnvironment(**given)
    except ValidationError as error:
        raise Misconfigured(explain(error, prefix)) from None


def order_of(providers: Iterable[str]) -> list[str]:
    known = [*agents.PROVIDER_ORDER, *providers]
    wanted = [name.strip().lower() for name in env.provider_order.split(",") if name.strip()]
    for name in wanted:
        chosen("PROVIDER_ORDER", name, known)
    return wanted or known


def chosen(variable: str, name: str, known: Iterable[str]) -> str:
    if name not in known:
        raise Misconfigured(
            f"{variable} names {name!r}, whom nobody knows.\n  Fix: of {', '.join(filter(None, known))}."
        )
    return name


EXTENSIONS = found()
PROVIDER_ORDER = order_of(EXTENSIONS["providers"])
TRANSCRIBER = chosen("TRANSCRIBER", env.transcriber, ["", "openai", *EXTENSIONS["transcribers"]])
EMBEDDINGS = chosen("EMBEDDINGS", env.embeddings, ["local", "openai", *EXTENSIONS["embedders"]])
for _name in EXTENSIONS["providers"]:
    _its = environment_of(_name)
    for _field in ("api_key", "base_url", "model"):
        globals()[f"{_name.upper()}_{_field.upper()}"] = getattr(_its, _field)
    resilience.BREAKERS[_name] = {"timeout_s": _its.timeout_s, "opens_at": 0.5, "rest_s": _its.breaker_rest_s}
    resilience.PROVIDER_REQUESTS_PER_MINUTE[_name] = _its.requests_per_minute
    resilience.PROVIDER_CONCURRENCY[_name] = _its.concurrency
    if "requests_per_minute" in _its.model_fields_set:
        resilience.CHOSEN_CEILINGS.add(_name)
    agents.PROVIDER_TOTAL_TIMEOUT_S[_name] = _its.timeout_s
for _name in EXTENSIONS["channels"]:
    resilience.BREAKERS.setdefault(_name, {"timeout_s": 10.0, "opens_at": 0.6, "rest_s": 30.0})
