"""Reads the Procfile: `name: command`, with $NAME, ${NAME} and ${NAME:-default} as a shell has them."""

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from khronos.exceptions import Misconfigured

ENTRY = re.compile(r"([A-Za-z0-9_-]+):\s*(\S.*)")
VARIABLE = re.compile(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))")


def read(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = ENTRY.fullmatch(text)
        if not match:
            raise Misconfigured(f"{path} line {number} is not `name: command`.\n  Fix: mend it.")
        yield match[1], match[2]


def words(command: str, env: Mapping[str, str]) -> tuple[str, ...]:
    """Variables are put in after splitting, so that a value with spaces stays one word."""

    def value(match: re.Match[str]) -> str:
        return env.get(match[1] or match[3]) or match[2] or ""

    return tuple(VARIABLE.sub(value, word) for word in shlex.split(command))
