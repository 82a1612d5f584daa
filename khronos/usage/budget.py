"""A tenant's budget of the month: asked before a call, so that many at once cannot spend more than there is.

Valkey holds what is spent and what is reserved for calls under way; the ledger is the truth, and is read
anew every minute. A reservation of a process that died lapses. See docs/costs.md.
"""

import logging
import random
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from khronos.bus.connection import quick
from khronos.exceptions import Refused
from khronos.models import Tenant, Turn, UsageDay
from khronos.usage.charging import Errand, Paying, tenant_of
from khronos.usage.prices import money

log = logging.getLogger(__name__)

SPENT = "budget.spent"  # how the reason begins of whoever waits for money
FRESH_MS = 60_000  # then the ledger is asked again
HELD_S = (1.0, 3.0)  # others' calls end, and then it is known what is left; spread
TRIES = 4  # the ledger has the last word where it is spent, and where nobody knows
FOLDER = Path(__file__).with_name("lua")


class Spent(Refused):
    """The month's budget is used up."""


class Held(Refused):
    """What is left of it is reserved for calls under way."""


def alert_of(tenant: Tenant) -> str:
    """Its name stands before the reason of a turn, so that its end hurries who waits for it."""
    return f"budget.spent.{tenant.slug}"


def limit_of(tenant: Tenant) -> int:
    """In millionths; 0: none."""
    budget = tenant.monthly_budget
    return int((settings.MONTHLY_BUDGET if budget is None else budget) * 1_000_000)


def reserve(turn: Paying, estimate: int) -> None:
    """For the next call of this turn, beside what its calls have cost. Raises Spent or Held."""
    tenant = tenant_of(turn)
    limit = limit_of(tenant)
    if not limit:
        return
    match ask(tenant, token_of(turn), paid_by(turn) + estimate, limit):
        case "spent":
            text = f"{alert_of(tenant)}: the {money(limit)} of this month are spent"
            raise Spent(text, until_next_month_s())
        case "held":
            text = f"{alert_of(tenant)}: the rest of the month is reserved for questions under way"
            raise Held(text, random.uniform(*HELD_S))  # noqa: S311


def ask(tenant: Tenant, token: str, amount: int, limit: int) -> str:
    words = [token, amount, limit, round(lapses_s() * 1000), FRESH_MS]
    is_loaded = False
    try:
        for tries_left in reversed(range(TRIES)):
            verdict, version = scripts()["hold"](keys(tenant.pk), words)
            if verdict in (b"granted", b"held") or (verdict == b"spent" and is_loaded):
                return str(verdict.decode())
            expected = version if tries_left > 1 else ""  # somebody settles all the time: near enough
            is_loaded = scripts()["load"](keys(tenant.pk)[:1], [spent(tenant.pk), expected]) == 1
    except redis.RedisError as error:
        log.warning("the ledger alone is asked for the budget", extra={"error": type(error).__name__})
    return "spent" if spent(tenant.pk) >= limit else "granted"


def settle(turn: Paying) -> None:
    """Once its calls are in the ledger: what they cost is spent, what was reserved beyond that is free."""
    tenant = tenant_of(turn)
    if not limit_of(tenant):
        return
    try:
        scripts()["settle"](keys(tenant.pk), [token_of(turn), paid_by(turn)])
    except redis.RedisError as error:
        log.warning("a reservation lapses by itself", extra={"error": type(error).__name__})


def token_of(turn: Paying) -> str:
    if isinstance(turn, Errand):
        return turn.name
    kind = "" if isinstance(turn, Turn) else "summary:"
    return f"{kind}{turn.pk}:{turn.fence}"


def paid_by(turn: Paying) -> int:
    return sum(row.micros for row in turn.paid)


def spent(tenant_id: int) -> int:
    """This month, as the ledger says."""
    rows = UsageDay.objects.filter(tenant=tenant_id, day__gte=first_of_month())
    return int(rows.aggregate(sum=Sum("micros"))["sum"] or 0)


def used_shares() -> dict[str, float]:
    """By slug, of the tenants that have a budget."""
    limited = [(tenant, limit_of(tenant)) for tenant in with_spent(Tenant.objects.all())]
    return {tenant.slug: tenant.spent / limit for tenant, limit in limited if limit}  # type: ignore[attr-defined]


def with_spent(tenants: QuerySet[Tenant]) -> QuerySet[Tenant]:
    """`spent` is what `spent` would say of each."""
    rows = UsageDay.objects.filter(tenant=OuterRef("pk"), day__gte=first_of_month()).order_by()
    sums = rows.values("tenant").annotate(sum=Sum("micros")).values("sum")
    return tenants.annotate(spent=Coalesce(Subquery(sums), 0))


def first_of_month() -> date:
    return datetime.now(UTC).date().replace(day=1)


def until_next_month_s() -> float:
    next_month = (first_of_month() + timedelta(days=32)).replace(day=1)
    begins = datetime(next_month.year, next_month.month, 1, tzinfo=UTC)
    return (begins - datetime.now(UTC)).total_seconds()


def lapses_s() -> float:
    """Above any call of a model and the patience with which its answer is written."""
    longest_s = max(settings.PROVIDER_TOTAL_TIMEOUT_S.values()) + settings.PROVIDER_CONNECT_TIMEOUT_S
    return float(longest_s + settings.TURN_LEASE.total_seconds())


def keys(tenant_id: int) -> list[str]:
    account = f"budget:{{{tenant_id}:{first_of_month():%Y-%m}}}"
    return [account, f"{account}:lapses", f"{account}:holds"]


@cache
def scripts() -> dict[str, Any]:
    client = quick()
    return {path.stem: client.register_script(path.read_text()) for path in FOLDER.glob("*.lua")}
