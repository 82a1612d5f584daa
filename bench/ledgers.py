"""`python -m bench.inside bench.ledgers`: the calls of many answers are written, a month of them is told."""

import json
import time
import uuid
from datetime import date
from decimal import Decimal
from itertools import batched

from django.db import transaction

from bench.tolls import spent_s
from khronos.conversation.account import account
from khronos.models import Channel, Conversation, Tenant, Turn, Usage, UsageDay
from khronos.usage import budget, ledger
from khronos.usage.charging import note
from khronos.usage.prices import Tokens
from khronos.usage.report import report

TIMES = 3000
TOGETHER = 16  # answers of one commit, as a busy agent has them
MONTH, MILLION = date(2025, 11, 1), 1_000_000
MODELS, WRITERS = 3, 16


def conversation() -> Conversation:
    tenant = Tenant.objects.get_or_create(slug="ledger", defaults={"name": "Ledger"})[0]
    channel = Channel.objects.create(tenant=tenant, slug=uuid.uuid4().hex, kind="web", name="Ledger")
    return Conversation.objects.create(id=uuid.uuid4(), tenant=tenant, channel=channel, chat_id="1")


def answer(turn: Turn, *, with_budget: bool) -> None:
    with account(turn):
        if with_budget:
            budget.reserve(turn, 30_000)
        note("anthropic", "claude-sonnet-5-5", Tokens(1200, 300), "ok")
        ledger.write(turn.paid)


def cost_ms(talk: Conversation, *, with_budget: bool) -> float:
    talk.channel.tenant.monthly_budget = Decimal(1_000_000 if with_budget else 0)
    first = time.time_ns() // 1000  # no turn has such a number
    turns = [Turn(pk=first + number, conversation=talk, fence=1) for number in range(TIMES)]
    for turn in turns[:TOGETHER]:
        answer(turn, with_budget=with_budget)  # statements are prepared, scripts loaded
    before = spent_s()
    for some in batched(turns[TOGETHER:], TOGETHER):
        with transaction.atomic():
            for turn in some:
                answer(turn, with_budget=with_budget)
    return round((spent_s() - before) * 1000 / (TIMES - TOGETHER), 3)


def month_ms(tenant: Tenant) -> float:
    rows = [
        UsageDay(
            tenant=tenant,
            day=MONTH.replace(day=day),
            agent="assistant",
            provider="anthropic",
            model=f"model-{model}",
            kind=kind,
            writer=f"agent-{writer}",
            calls=MILLION // (30 * MODELS * 2 * WRITERS),
            micros=1000,
        )
        for day in range(1, 31)
        for model in range(MODELS)
        for kind in (Usage.Kind.ANSWER, Usage.Kind.SUMMARY)
        for writer in range(WRITERS)
    ]
    UsageDay.objects.bulk_create(rows, ignore_conflicts=True)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        report(MONTH, tenant)
        times.append(time.perf_counter() - began)
    return round(sorted(times)[2] * 1000, 1)


def main() -> None:
    talk = conversation()
    told = {"ledger": cost_ms(talk, with_budget=False), "budget": cost_ms(talk, with_budget=True)}
    print(json.dumps(told | {"month": month_ms(talk.tenant)}))
