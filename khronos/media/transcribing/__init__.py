"""Who writes down what is spoken: nobody, a hosted model, or what was laid beside (docs/extending.md)."""

from collections.abc import Callable
from functools import cache

from django.conf import settings

from khronos import extensions
from khronos.media.transcribing.base import Transcriber
from khronos.media.transcribing.hosted import HostedTranscriber

TRANSCRIBERS: dict[str, Callable[[], Transcriber]] = {"openai": HostedTranscriber}


def transcriber() -> Transcriber | None:
    return made(settings.TRANSCRIBER) if settings.TRANSCRIBER else None


@cache
def made(name: str) -> Transcriber:
    """The process's one; threads share it."""
    return class_of(name)()


def class_of(name: str) -> Callable[[], Transcriber]:
    if name in TRANSCRIBERS:
        return TRANSCRIBERS[name]
    return extensions.class_in("transcribers", name, ("transcribe",), "one class that transcribes.")
