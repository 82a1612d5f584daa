"""Which embedder the settings choose. A new one is a module beside this and one line here."""

from functools import cache
from importlib import import_module

from django.conf import settings

from khronos.knowledge.embedding.base import Embedder

# Dotted paths: numpy is 20 MB, which only whoever asks the hosted one pays.
EMBEDDERS = {
    "local": "khronos.knowledge.embedding.local.LocalEmbedder",
    "openai": "khronos.knowledge.embedding.hosted.HostedEmbedder",
}


@cache
def embedder() -> Embedder:
    """The process's one; threads share it."""
    module, _, kind = EMBEDDERS[settings.EMBEDDINGS].rpartition(".")
    made: Embedder = getattr(import_module(module), kind)()
    return made
