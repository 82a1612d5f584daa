"""Whose hands are at the command line, and what they need not read."""

import argparse
import getpass
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

TOLD = ("khronos.alerts", "khronos.conversation.pausing", "khronos.guards", "khronos.herald")


def takes_language(*parsers: argparse.ArgumentParser) -> None:
    for each in parsers:
        each.add_argument("--lang", help="en or pt-br; else as the terminal is set")


def language(wanted: str | None) -> str:
    """Else that of the terminal, as the system's own programs see it."""
    told = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    said = wanted or next(filter(None, told), "")
    return "pt-br" if said.lower().startswith("pt") else "en"


@contextmanager
def silence() -> Iterator[None]:
    """Of all logs, for a command that says everything itself."""
    logging.disable()
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


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
