"""Refusals of Telegram, and of those who answer in its place."""

import pytest
from django.utils import timezone
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.channels.telegram import BotApi
from khronos.exceptions import Permanent, Transient
from khronos.models import Channel, Contact, DeadLetter, Delivery
from tests.integration import way
from tests.integration.raw_server import answer, saying, serving
from tests.integration.telegram_bot import to

ANA = 7
BLOCKED = "Forbidden: bot was blocked by the user"


@pytest.mark.usefixtures("bus")
def test_of_a_long_answer_only_the_first_part_is_tried_where_we_are_blocked(
    telegram: Channel, sim: Simulator
) -> None:
    sim.models.reply("\n\n".join("word " * 700 for _ in range(3)))
    refusal = sim.telegram.fail(status=403, method="sendMessage", description=BLOCKED)
    sim.telegram.say(ANA, "hi")
    way.all_the_way(telegram)
    assert Delivery.objects.filter(state=Delivery.State.FAILED).count() == 3
    assert refusal.hits == len(sim.telegram.calls("sendMessage")) == 1
    assert Contact.objects.get().is_blocked
    assert not DeadLetter.objects.exists()


@pytest.mark.usefixtures("bus")
def test_waits_at_a_limit_make_no_failure_costlier(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.TELEGRAM_CHAT_SPACING_MS = 60_000
    sim.telegram.say(ANA, "hi")
    way.all_the_way(telegram)
    sim.telegram.say(ANA, "and now?")
    way.all_the_way(telegram)
    for _ in range(4):
        way.hurry()
        way.answer()
    waiting = Delivery.objects.get(state=Delivery.State.PENDING)
    assert (waiting.attempts, waiting.deferrals, len(sim.telegram.calls("sendMessage"))) == (0, 0, 1)
    settings.TELEGRAM_CHAT_SPACING_MS = 0
    sim.telegram.fail("page", status=403, method="sendMessage", count=1)
    way.hurry()
    way.answer()
    waiting.refresh_from_db()
    assert waiting.due_at is not None
    assert (waiting.due_at - timezone.now()).total_seconds() < 2.5


@pytest.mark.parametrize("status", ["400 Bad Request", "403 Forbidden", "407 Sign in", "413 Too Large"])
def test_a_proxy_s_refusal_says_nothing_of_the_message(status: str) -> None:
    page = saying(answer(b"<html>no</html>", status))
    with serving(page) as server, pytest.raises(Transient, match="not in the words of Telegram"):
        to(server, lambda transport: transport.send("7", "hi"))
    assert len(server.requests) == 1


def test_telegram_s_own_refusal_is_final_though_it_says_little() -> None:
    refusal = saying(answer(b'{"ok":false}', "400 Bad Request"))
    with serving(refusal) as server, pytest.raises(Permanent):
        to(server, lambda _: BotApi("1:x", server.url).get_me())
