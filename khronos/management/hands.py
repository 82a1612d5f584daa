"""Whose hands are at the command line, and what they need not read."""

import getpass
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import translation

TOLD = ("khronos.alerts", "khronos.conversation.pausing", "khronos.herald")


def language() -> str:
    """Of the terminal, as the system's own programs see it."""
    said = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "pt-br" if said.lower().startswith("pt") else "en"


def speak(language: str) -> None:
    """In this thread; another one has to be told as well."""
    translation.activate("pt-br" if language.lower().startswith("pt") else "en")


def operator() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "command line"


@contextmanager
def hushed() -> Iterator[None]:
    """What a command tells in its own words needs no log line beside it."""
    loggers = [logging.getLogger(name) for name in TOLD]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
