"""Which embedder the settings choose: one of ours, or what was laid beside (docs/extending.md)."""

from functools import cache
from importlib import import_module
from typing import Any

from django.conf import settings

from khronos import extensions
from khronos.knowledge.embedding.base import Embedder

# Dotted paths: numpy is 20 MB, which only whoever asks the hosted one pays.
EMBEDDERS = {
    "local": "khronos.knowledge.embedding.local.LocalEmbedder",
    "openai": "khronos.knowledge.embedding.hosted.HostedEmbedder",
}


@cache
def embedder() -> Embedder:
    """The process's one; threads share it."""
    made: Embedder = class_of(settings.EMBEDDINGS)()
    return made


def class_of(name: str) -> Any:
    if name in EMBEDDERS:
        module, _, kind = EMBEDDERS[name].rpartition(".")
        return getattr(import_module(module), kind)
    return extensions.class_in("embedders", name, ("cost_of", "embed"), "one class that embeds.")
