"""Who writes down what is spoken: nobody, or a hosted model. A new one is a module and one line here."""

from collections.abc import Callable
from functools import cache

from django.conf import settings

from khronos.media.transcribing.base import Transcriber
from khronos.media.transcribing.hosted import HostedTranscriber

TRANSCRIBERS: dict[str, Callable[[], Transcriber]] = {"openai": HostedTranscriber}


def transcriber() -> Transcriber | None:
    return made(settings.TRANSCRIBER) if settings.TRANSCRIBER else None


@cache
def made(name: str) -> Transcriber:
    """The process's one; threads share it."""
    return TRANSCRIBERS[name]()
