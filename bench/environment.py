"""What an instance of the bench is told: the simulated world's addresses, no limits, quick restarts."""

import os
from pathlib import Path
from typing import Protocol

SECRET = "secret-of-the-test-bench"
KEPT = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "PYENV_ROOT")  # all else would bend the instance
# What a burst of strangers would wait for; a test of limits sets its own.
NO_LIMITS = dict.fromkeys(
    (
        "ANTHROPIC_REQUESTS_PER_MINUTE",
        "ANTHROPIC_CONCURRENCY",
        "OPENAI_REQUESTS_PER_MINUTE",
        "OPENAI_CONCURRENCY",
        "TELEGRAM_SPACING_MS",
        "TELEGRAM_PER_SECOND",
        "TELEGRAM_CHAT_SPACING_MS",
        "TELEGRAM_GROUP_PER_MINUTE",
        "CONTACT_MESSAGES_PER_MINUTE",
        "ADDRESS_REQUESTS_PER_MINUTE",
        "WRONG_SECRETS_PER_MINUTE",
    ),
    "0",
)
QUICK_BREAKERS = {
    "ANTHROPIC_BREAKER_REST_S": "4",
    "OPENAI_BREAKER_REST_S": "4",
    "TELEGRAM_BREAKER_REST_S": "2",
    "DATABASE_BREAKER_REST_S": "2",
}
QUICK_RESTARTS = {"RESTART_APART_S": "0.3", "FAILED_START_S": "0.2", "FAILED_STARTS_MAX": "50"}


class World(Protocol):
    """A `Simulator`, or a `Remote` one."""

    @property
    def url(self) -> str: ...


def environment(world: World, home: Path, port: int, flower_port: int) -> dict[str, str]:
    return {
        **{name: os.environ[name] for name in KEPT if name in os.environ},
        **QUICK_RESTARTS,
        **QUICK_BREAKERS,
        **NO_LIMITS,
        "KHRONOS_HOME": str(home),
        "KHRONOS_DOTENV": os.devnull,
        "KHRONOS_EXAMPLE": "0",  # what a tenant's documents cost is measured apart (bench/knowledge)
        "PORT": str(port),
        "FLOWER_PORT": str(flower_port),
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
        "TELEGRAM_API_URL": world.url,
        "ANTHROPIC_API_KEY": "sk-ant-simulated",
        "ANTHROPIC_BASE_URL": world.url,
        "OPENAI_BASE_URL": f"{world.url}/v1",
    }
