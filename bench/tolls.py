"""`python -m bench.inside bench.tolls`: the guards of one message, many times; both sides' processor time."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings

from khronos.bus.connection import patient
from khronos.channels.telegram.budgets import claims_of_bot, claims_of_chat
from khronos.guards import limits
from khronos.guards.breakers import guarded
from khronos.resilience.locks import RedisLock

TIMES = 3000


def nobody(_tokens: object) -> None:
    """Nobody waits here."""


def breakers(_number: int) -> None:
    for name in ("anthropic", "telegram"):
        with guarded(name):
            pass


def limiter(number: int) -> None:
    with limits.seat("anthropic", f"turn:{number}", nobody):
        pass
    claims = [*claims_of_chat("7", str(number), "private"), *claims_of_bot("7")]
    limits.limiter().ask(f"delivery:{number}", claims)


def lock(number: int) -> None:
    held = RedisLock(
        patient(), f"conversation:{number}", int(settings.LOCK_TTL.total_seconds() * 1000), "agent"
    )
    held.acquire()
    held.release()


def everything(number: int) -> None:
    lock(number)
    breakers(number)
    limiter(number)


def cost_ms(part: Callable[[int], None], threads: int) -> float:
    with ThreadPoolExecutor(threads) as crew:
        list(crew.map(part, range(threads)))  # scripts are loaded, connections open
        before = spent_s()
        list(crew.map(part, range(TIMES)))
        return round((spent_s() - before) * 1000 / TIMES, 3)


def spent_s() -> float:
    server: Any = patient().info("cpu")
    return time.process_time() + float(server["used_cpu_user"]) + float(server["used_cpu_sys"])


def main() -> None:
    parts = {"breakers": breakers, "limits": limiter, "lock": lock, "all": everything}
    costs = {name: cost_ms(part, settings.AGENT_THREADS) for name, part in parts.items()}
    print(json.dumps(costs | {"alone": cost_ms(everything, 1)}))
