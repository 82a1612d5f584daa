"""`.env` and what KHRONOS_HOME keeps, read by the standard library alone: `up`, `ps`, `down` stay light."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from khronos.exceptions import Misconfigured

ROOT = Path(__file__).resolve().parent.parent
LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")


def read_env_file(path: Path) -> Iterator[tuple[str, str]]:
    """The pairs of one `.env` file; a line that is none is an error that names it."""
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = LINE.fullmatch(text)
        if not match:
            raise Misconfigured(
                f"{path} line {number} is not NAME=value: {text[:20]!r}…\n"
                f"  Fix: write it as NAME=value, or put a # before it."
            )
        yield match[1], unquote(match[2], path, number)


def unquote(value: str, path: Path, number: int) -> str:
    quote = value[:1]
    if quote in ("'", '"'):
        end = value.find(quote, 1)
        if end < 0:
            raise Misconfigured(f"{path} line {number}: the quote {quote} is never closed.\n  Fix: close it.")
        return value[1:end]
    return re.split(r"\s+#", value, maxsplit=1)[0].strip()


def drop_empty(pairs: dict[str, str]) -> dict[str, str]:
    """An empty variable is an unset one: compose files and shells write `NAME=` for "none"."""
    return {name: value for name, value in pairs.items() if value != ""}


def path() -> Path:
    return ROOT / os.environ.get("KHRONOS_DOTENV", ".env")


def given() -> dict[str, str]:
    """What somebody set on purpose: the process's environment, then `.env`."""
    return drop_empty(dict(read_env_file(path()))) | drop_empty(dict(os.environ))


def home(given: dict[str, str]) -> Path:
    """KHRONOS_HOME, from the checkout where it is relative."""
    return ROOT / (given.get("KHRONOS_HOME") or "var")


def merged() -> dict[str, str]:
    """What was given, and below it what `make up` made: secrets, ports."""
    wanted = given()
    made: dict[str, str] = {}
    for name in ("secrets.env", "ports.env"):
        made |= dict(read_env_file(home(wanted) / name))
    return drop_empty(made) | wanted
