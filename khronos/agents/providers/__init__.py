"""The models that can answer, and those laid beside them (docs/models.md)."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from typing import Any

from django.conf import settings

from khronos import extensions
from khronos.agents.providers.base import Provider

# Dotted paths: only what is configured is loaded.
PROVIDERS = {
    "anthropic": "khronos.agents.providers.anthropic.AnthropicProvider",
    "openai": "khronos.agents.providers.openai.OpenAIProvider",
    "offline": "khronos.agents.providers.offline.OfflineProvider",
}


def names() -> list[str]:
    return [*PROVIDERS, *extensions.names("providers")]


def keyed() -> list[str]:
    """Those that want a key, of the setting NAME_API_KEY."""
    return [name for name in names() if name != "offline"]


def key_of(name: str) -> str:
    """The name of its setting."""
    return f"{name.upper()}_API_KEY"


@cache
def provider(name: str) -> Provider:
    """The process's one; threads share it."""
    made: Provider = class_of(name)()
    return made


def class_of(name: str) -> Any:
    if name in PROVIDERS:
        module, _, kind = PROVIDERS[name].rpartition(".")
        return getattr(import_module(module), kind)
    made = extensions.class_in("providers", name, ("complete",), "one class that answers (docs/models.md).")
    if getattr(made, "name", "") != name:
        raise extensions.lacking("providers", name, "has a class of another name", f'name = "{name}" in it.')
    return made


def configured(order: Sequence[str] = ()) -> list[str]:
    """The names that have a key, first choice first; without any key the offline assistant answers."""
    known = [name for name in order or settings.PROVIDER_ORDER if has_key(name)]
    return known or [name for name in settings.PROVIDER_ORDER if has_key(name)] or ["offline"]


def model_of(name: str, models: Mapping[str, str] | None = None) -> str:
    """As we ask for it: what the other side calls itself may be anything."""
    return str((models or {}).get(name) or getattr(settings, f"{name.upper()}_MODEL", "") or name)


def fate_of(model: str) -> str:
    """What becomes of a model that should be used no more; empty for all others."""
    fates: dict[str, str] = settings.DEPRECATED_MODELS
    return next((fate for pattern, fate in fates.items() if fnmatchcase(model, pattern)), "")


def warm_up() -> None:
    """Load what the first answers will need, while nobody waits for it."""
    for name in configured():
        provider(name)


def has_key(name: str) -> bool:
    return name == "offline" or bool(getattr(settings, key_of(name), ""))
