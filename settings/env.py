"""What the environment says, typed. Names are a contract (docs/configuration.md); a wrong value names its fix.

Read in this order, the first one wins: the process's environment, `.env` beside manage.py,
and what `make up` wrote under KHRONOS_HOME (secrets it made, inner ports it chose).
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from khronos.exceptions import Misconfigured

ROOT = Path(__file__).resolve().parent.parent
LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")


class Environment(BaseModel):
    khronos_home: Path = Field(Path("var"), description="Where all state lives.")
    port: int | None = Field(None, ge=1, le=65535, description="Of the web server; default 18789.")
    flower_port: int | None = Field(None, ge=1, le=65535, description="Of Flower; default 5555.")
    khronos_host: str = Field("127.0.0.1", description="Address that the web server listens on.")
    public_url: str = Field("", description="Address under which the world reaches this server.")
    allowed_hosts: str = Field("", description="More host names that are answered to, with commas between.")
    secret_key: str = Field("", description="Signs sessions; made at the first start.")
    khronos_debug: bool = Field(False, description="Django's debug pages; never on a public server.")

    database_url: str = Field("", description="postgresql://…; empty: SQLite under KHRONOS_HOME.")
    redis_url: str = Field("", description="redis://…; empty: an embedded Valkey.")
    celery_broker_url: str = Field("", description="redis://… or amqp://…; empty: REDIS_URL.")

    telegram_bot_token: str = Field("", description="From @BotFather; makes the channel `default`.")
    telegram_webhook_secret: str = Field("", description="Made at the first start when empty.")
    telegram_api_url: str = Field("https://api.telegram.org", description="Base address of the Bot API.")
    telegram_alert_chat_id: str = Field("", description="Where alerts go.")
    telegram_critical_chat_id: str = Field("", description="Where critical alerts go.")
    telegram_delivery_mode: Literal["send", "edit"] = Field("send", description="How answers are sent.")

    anthropic_api_key: str = ""
    anthropic_base_url: str = "https://api.anthropic.com"
    anthropic_model: str = "claude-sonnet-5-5"
    openai_api_key: str = ""
    openai_base_url: str = "https://api.openai.com/v1"
    openai_model: str = "gpt-5-mini"

    agent_processes: int = Field(1, ge=1, le=64, description="Agent processes that `make up` starts.")
    agent_threads: int = Field(48, ge=1, le=1000, description="Answers one agent process thinks about at once.")
    web_threads: int = Field(16, ge=1, le=256, description="Requests the web server works on at once.")
    max_memory_mb: int = Field(500, ge=64, description="A process above this is restarted.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    metrics_token: str = Field("", description="Admits to the operator's addresses as a bearer token.")
    flower_password: str = Field("", description="Of Flower's user `khronos`; made at the first start.")
    litestream_replica_url: str = Field("", description="s3://…; empty: a folder under KHRONOS_HOME.")

    @property
    def home(self) -> Path:
        """KHRONOS_HOME, from the checkout where it is relative."""
        return ROOT / self.khronos_home


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


def load() -> Environment:
    dotenv, given = dict(read_env_file(ROOT / ".env")), dict(os.environ)
    home = ROOT / (given.get("KHRONOS_HOME") or dotenv.get("KHRONOS_HOME") or "var")
    made: dict[str, str] = {}
    for name in ("secrets.env", "ports.env"):
        made |= dict(read_env_file(home / name))
    merged = drop_empty(made) | drop_empty(dotenv) | drop_empty(given)
    known = {name: merged[name.upper()] for name in Environment.model_fields if name.upper() in merged}
    try:
        return Environment(**known)  # type: ignore[arg-type]
    except ValidationError as error:
        raise Misconfigured(explain(error)) from None


def drop_empty(pairs: dict[str, str]) -> dict[str, str]:
    """An empty variable is an unset one: compose files and shells write `NAME=` for "none"."""
    return {name: value for name, value in pairs.items() if value != ""}


def explain(error: ValidationError) -> str:
    def line(problem: Any) -> str:
        name = str(problem["loc"][0]).upper()
        return f"{name} is {problem['input']!r}: {problem['msg']}.\n  Fix: correct {name} in the environment or in .env."

    return "\n".join(line(problem) for problem in error.errors())


env = load()
