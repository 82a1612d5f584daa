"""The page that says why, in a real browser: found by the field, read on a phone, acted on with a click."""

from collections.abc import Iterator

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from khronos.models import Conversation, DeadLetter, Delivery, Message, Turn
from tests.browser.test_admin import DESK, PHONE, Operator, operator_on
from tests.factories import make_user
from tests.fixtures.desk import seed

pytestmark = pytest.mark.usefixtures("bus")


@pytest.fixture
def talk(live_server: LiveServer) -> Conversation:
    make_user(username="olga", password="password-of-olga")
    return seed()


@pytest.fixture
def operator(browser: Browser, talk: Conversation, live_server: LiveServer) -> Iterator[Operator]:
    yield from operator_on(browser, live_server.url, DESK)


@pytest.fixture
def on_the_road(browser: Browser, talk: Conversation, live_server: LiveServer) -> Iterator[Operator]:
    yield from operator_on(browser, live_server.url, PHONE, locale="pt-BR", color_scheme="dark")


def why(reference: object) -> str:
    return reverse("admin:khronos_why_of", args=[reference])


def test_a_trace_is_pasted_and_its_story_read(operator: Operator, talk: Conversation) -> None:
    turn = Turn.objects.filter(conversation=talk, state=Turn.State.ANSWERED).order_by("pk")[0]
    operator.open("/admin/")
    operator.page.locator("#nav-sidebar-apps").get_by_text("Why?").click()
    operator.page.get_by_role("searchbox", name="Why?").fill(turn.trace_id)
    operator.page.get_by_role("button", name="Why?").click()
    operator.page.wait_for_url(f"**{why(turn.trace_id)}")
    expect(operator.page.locator("#verdict")).to_contain_text("Answered after ")
    expect(operator.page.locator(".kh-quote")).to_have_text("Bom dia! Vocês abrem no feriado?")
    expect(operator.page.locator(".kh-step", has_text="claude-sonnet-5-5 thought for 1.3 s")).to_have_count(1)
    bars = operator.page.locator(".kh-step rect").evaluate_all("all => all.map(a => a.getBBox().width)")
    assert len(bars) == operator.page.locator(".kh-step").count() > 3
    assert max(bars) > 50


def test_a_row_leads_to_its_story_and_what_failed_is_sent_again(
    operator: Operator, talk: Conversation
) -> None:
    failed = Delivery.objects.get(state=Delivery.State.FAILED)
    operator.open(reverse("admin:khronos_delivery_change", args=[failed.pk]))
    operator.page.get_by_role("link", name="why?", exact=True).click()
    operator.page.wait_for_url(f"**{why(f'delivery:{failed.pk}')}")
    expect(operator.page.locator("#verdict.kh-danger")).to_contain_text("message is too long")
    operator.page.get_by_role("button", name="Send again").click()
    expect(operator.page.get_by_text("Will be sent: 1.")).to_be_visible()
    expect(operator.page.locator("#verdict.kh-warning")).to_contain_text("not shown yet")
    expect(operator.page.get_by_role("button", name="Send again")).to_have_count(0)
    expect(operator.page.locator(".kh-step", has_text="olga: Will be sent")).to_have_count(1)
    failed.refresh_from_db()
    assert failed.state == Delivery.State.PENDING


def test_stories_fit_a_phone_at_night_in_portuguese(on_the_road: Operator, talk: Conversation) -> None:
    for message in Message.objects.filter(conversation=talk, author=Message.Author.CONTACT):
        on_the_road.open(why(message.pk))
        expect(on_the_road.page.locator(".kh-sentence")).not_to_be_empty()
    on_the_road.open(why(f"turn:{Turn.objects.get(state=Turn.State.BURIED).pk}"))
    expect(on_the_road.page.locator("#verdict")).to_contain_text("Não foi respondida.")
    letter = DeadLetter.objects.get(source=DeadLetter.Source.TURN)
    expect(on_the_road.page.get_by_role("link", name=f"carta morta {letter.pk}", exact=True)).to_be_visible()
    on_the_road.open(reverse("admin:khronos_why"))
    expect(on_the_road.page.get_by_role("searchbox", name="Por quê?")).to_be_visible()
