"""The models that can answer: see docs/models.md. A new one is a module beside these and one line here."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module

from django.conf import settings

from khronos.agents.providers.base import Provider

# Dotted paths: only what is configured is loaded.
PROVIDERS = {
    "anthropic": "khronos.agents.providers.anthropic.AnthropicProvider",
    "openai": "khronos.agents.providers.openai.OpenAIProvider",
    "offline": "khronos.agents.providers.offline.OfflineProvider",
}
KEYS = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}


@cache
def provider(name: str) -> Provider:
    """The process's one; threads share it."""
    module, _, kind = PROVIDERS[name].rpartition(".")
    made: Provider = getattr(import_module(module), kind)()
    return made


def configured(order: Sequence[str] = ()) -> list[str]:
    """The names that have a key, first choice first; without any key the offline assistant answers."""
    names = [name for name in order or settings.PROVIDER_ORDER if has_key(name)]
    return names or [name for name in settings.PROVIDER_ORDER if has_key(name)] or ["offline"]


def model_of(name: str, models: Mapping[str, str] | None = None) -> str:
    """As we ask for it: what the other side calls itself may be anything."""
    return str((models or {}).get(name) or getattr(settings, f"{name.upper()}_MODEL", name))


def fate_of(model: str) -> str:
    """What becomes of a model that should be used no more; empty for all others."""
    fates: dict[str, str] = settings.DEPRECATED_MODELS
    return next((fate for pattern, fate in fates.items() if fnmatchcase(model, pattern)), "")


def warm_up() -> None:
    """Load what the first answers will need, while nobody waits for it."""
    for name in configured():
        provider(name)


def has_key(name: str) -> bool:
    return name == "offline" or bool(name in KEYS and getattr(settings, KEYS[name]))
