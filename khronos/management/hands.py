"""Whose hands are at the command line, and what they need not read."""

import getpass
import logging
from collections.abc import Iterator
from contextlib import contextmanager

TOLD = ("khronos.alerts", "khronos.conversation.pausing")


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
