"""Who calls, and how often: strangers with a wrong secret, visitors of the chat page (docs/resilience.md)."""

import math

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest

from khronos.exceptions import Refused
from khronos.guards.limits import counted

COME_BACK_S = 5  # while the database is away


def address_of(request: HttpRequest) -> str:
    """The first that a proxy of ours did not add itself: what stands before it anybody could have written."""
    chain = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    chain.append(request.META.get("REMOTE_ADDR", ""))
    return chain[max(0, len(chain) - 1 - settings.TRUSTED_PROXIES)][:64]


def wrong_secret_wait(request: HttpRequest) -> int:
    """0, or the seconds after which somebody with a wrong secret may try again."""
    return wait_of(f"wrong:{address_of(request)}", settings.WRONG_SECRETS_PER_MINUTE)


def visitor_wait(request: HttpRequest) -> int:
    return wait_of(f"visitor:{address_of(request)}", settings.ADDRESS_REQUESTS_PER_MINUTE)


def files_wait(request: HttpRequest) -> int:
    """Of messages with files: they take more room than words."""
    return wait_of(f"files:{address_of(request)}", settings.ADDRESS_FILES_PER_MINUTE)


def come_back_s(error: DatabaseError | Refused) -> int:
    """When the breaker lets somebody try again, where it is that which refused."""
    asked = error.retry_after if isinstance(error, Refused) else None
    return max(1, math.ceil(asked)) if asked else COME_BACK_S


def wait_of(name: str, a_minute: int) -> int:
    count = counted(name, a_minute)
    return 0 if count.within else max(1, math.ceil(count.wait_s))
