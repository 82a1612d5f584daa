"""The dashboard in a real browser: it lives without a reload, and shows nothing old as if it were true."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from khronos.desk.dashboard.board import board
from khronos.intake import channels
from khronos.models import Alert, Event, HealthCheck, Update
from khronos.observability import heartbeat
from tests import factories as make
from tests.browser.conftest import SOON_MS
from tests.browser.test_admin import DESK, PHONE, TOO_WIDE, Operator

pytestmark = pytest.mark.usefixtures("bus")

WITHHELD = (Path(__file__).parent / "access.js").read_text()
HIDE = """value => {
    Object.defineProperty(document, "hidden", { value, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(autouse=True)
def well(bus: "redis.Redis", live_server: LiveServer) -> Iterator[None]:
    """An agent lives, and nothing is remembered of other tests."""
    channels.forget()
    board.answers = {}
    for question in board.questions.values():
        question.due_at, question.data, question.good_at = 0.0, None, 0.0
    heartbeat.client.cache_clear()
    heartbeat.last_beats.clear()
    heartbeat.beat("agent")
    make.make_user(username="olga", password="password-of-olga")
    ended = threading.Event()
    agent = threading.Thread(target=live, args=(ended,))
    agent.start()
    yield
    ended.set()
    agent.join()


def live(ended: threading.Event) -> None:
    while not ended.wait(heartbeat.EVERY_S):
        heartbeat.beat("agent")


def opened(browser: Browser, server: str, view: Any = DESK, **look: Any) -> Iterator[Operator]:
    context = browser.new_context(viewport=view, **{"locale": "en-US"} | look)
    someone = Operator(context.new_page(), server)
    someone.sign_in()
    someone.open("/dashboard")
    expect(someone.page.locator("body")).to_have_attribute("data-contact", "live")
    expect(someone.page.locator(".card")).to_have_count(12)
    yield someone
    context.close()
    assert someone.complaints == []


@pytest.fixture
def operator(browser: Browser, live_server: LiveServer) -> Iterator[Operator]:
    yield from opened(browser, live_server.url)


@pytest.fixture
def page(operator: Operator) -> Page:
    return operator.page


def arrive(count: int = 1) -> None:
    for _ in range(count):
        make.make_update(state=Update.State.DISPATCHED, received_at=timezone.now())


def cut(route: Route) -> None:
    route.abort()


def test_who_is_not_signed_in_is_asked_and_led_back(browser: Browser, live_server: LiveServer) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.set_default_timeout(SOON_MS)
    page.goto(f"{live_server.url}/dashboard")
    assert page.url == f"{live_server.url}/admin/login/?next=/dashboard"
    page.fill("[name=username]", "olga")
    page.fill("[name=password]", "password-of-olga")
    page.click("button[type=submit]")
    page.wait_for_url(f"{live_server.url}/dashboard")
    context.close()


def test_a_message_moves_the_numbers_without_a_reload(page: Page) -> None:
    page.evaluate("window.isTheSamePage = true")
    expect(page.locator("#sentence")).to_have_text("All is well. No messages yet: write the first one.")
    expect(page.get_by_role("link", name="Open the chat page")).to_be_visible()
    expect(page.locator("#received")).to_have_text("0")
    make.make_turn()
    make.make_message()
    arrive(2)
    expect(page.locator("#received")).to_have_text("2")
    expect(page.locator("[data-card=waiting] .big")).to_have_text("1")
    expect(page.locator("#sentence")).to_have_text("All is well.")
    assert page.evaluate("window.isTheSamePage") is True


def test_trouble_turns_the_page_red_and_names_it_until_it_is_over(page: Page) -> None:
    alert = make.make_alert(level=Alert.Level.CRITICAL, text="The oven is cold.")
    make.make_dead_letter()
    expect(page.locator("#verdict")).to_have_attribute("data-tone", "danger")
    expect(page.locator("#sentence")).to_have_text("Open alerts: 1.")
    expect(page.locator("#others li")).to_have_text(["Given up and waiting for a person: 1."])
    page.get_by_role("link", name="The oven is cold.").click()
    page.wait_for_url(f"**/admin/khronos/alert/{alert.pk}/change/")
    Alert.objects.update(resolved_at=timezone.now())
    page.go_back()
    expect(page.locator("#sentence")).to_have_text("Given up and waiting for a person: 1.")


def test_what_arrives_is_text_and_is_not_run(page: Page) -> None:
    make.make_alert(name="<b>x</b>", text="<img src=x onerror='document.title=1'>")
    expect(page.get_by_role("link", name="<img src=x")).to_be_visible()
    assert page.title() == "Khronos · Dashboard"


def test_lost_contact_is_said_and_nothing_is_shown_as_true_until_it_is_back(operator: Operator) -> None:
    page = operator.page
    arrive()
    expect(page.locator("#received")).to_have_text("1")
    page.route("**/dashboard/data", cut)
    expect(page.locator("#lost")).to_be_visible()
    expect(page.locator("#lost")).to_contain_text(re.compile(r"No contact with Khronos for \d+ s"))
    expect(page.locator("#contact-text")).to_have_text("No contact")
    assert page.locator("#verdict").evaluate("node => getComputedStyle(node).filter") == "grayscale(1)"
    assert page.locator("#cards").evaluate("node => getComputedStyle(node).filter") == "grayscale(1)"
    assert page.evaluate(WITHHELD) == []
    first = page.locator("#lost").inner_text()
    expect(page.locator("#lost")).not_to_have_text(first)  # it counts on
    arrive()
    page.unroute("**/dashboard/data")
    expect(page.locator("#received")).to_have_text("2")
    expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator("body")).to_have_attribute("data-contact", "live")
    assert page.locator("#cards").evaluate("node => getComputedStyle(node).filter") == "none"
    assert all("net::ERR_FAILED" in each for each in operator.complaints)
    operator.complaints.clear()


def test_a_part_that_is_not_known_any_more_is_grey_and_says_its_age(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("the disk is gone")

    card = page.locator("[data-card=machine]")
    expect(card).to_have_class("card")
    monkeypatch.setattr(board.questions["machine"], "ask", fail)
    expect(card).to_have_class("card old")
    expect(card.locator(".age")).to_have_text(re.compile(r"as of \d+ s ago"))
    expect(page.locator("[data-card=hour]")).to_have_class("card")  # the rest stays
    expect(page.locator("#sentence")).to_have_text("A part of this page could not be found out: machine.")


def test_signing_out_elsewhere_is_noticed(operator: Operator) -> None:
    page = operator.page
    page.context.clear_cookies()
    expect(page.locator("#lost")).to_contain_text("You are signed out.")
    assert page.get_by_role("link", name="Sign in").get_attribute("href") == "/admin/login/?next=/dashboard"
    assert all("401" in each for each in operator.complaints)
    operator.complaints.clear()


def test_a_hidden_page_asks_nothing(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(HIDE, True)
    page.wait_for_timeout(2500)  # a look that was under way
    asked.clear()
    page.wait_for_timeout(5000)
    assert asked == []
    page.evaluate(HIDE, False)
    expect(page.locator("body")).to_have_attribute("data-contact", "live")
    assert len(asked) >= 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("locale", "verdict", "nothing"),
    [("en-US", "All is well.", "Nothing waits."), ("pt-BR", "Está tudo bem.", "Nada espera.")],
)
def test_it_is_readable_on_a_phone_by_day_and_by_night_in_both_languages(
    browser: Browser, live_server: LiveServer, scheme: str, locale: str, verdict: str, nothing: str
) -> None:
    make.make_message()
    HealthCheck.objects.create(name="backup", ok=True, detail="x" * 200, checked_at=timezone.now())
    for operator in opened(browser, live_server.url, PHONE, locale=locale, color_scheme=scheme):
        page = operator.page
        expect(page.locator("#sentence")).to_have_text(verdict)
        expect(page.get_by_text(nothing)).to_be_visible()
        assert not page.evaluate(TOO_WIDE)
        ground = page.evaluate("getComputedStyle(document.body).color")
        assert page.locator("html").get_attribute("lang") == ("en" if locale == "en-US" else "pt-br")
        assert ground.startswith("oklch(0.967" if scheme == "dark" else "oklch(0.21")
        check_access(page)


def test_every_state_is_readable(page: Page) -> None:
    """All tones at once, by day and by night."""
    for level in Alert.Level.values:
        make.make_alert(level=level, text=f"Of level {level}.")
    make.make_dead_letter()
    HealthCheck.objects.create(name="backup", ok=False, detail="late", checked_at=timezone.now())
    for kind in (Event.Type.MESSAGE_RECEIVED, Event.Type.MESSAGE_SENT):
        make.make_event(type=kind)
    expect(page.locator("[data-card=alerts] .rows li")).to_have_count(4)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for tone in ("success", "warning", "danger"):
            page.locator("#verdict").evaluate("(node, tone) => node.dataset.tone = tone", tone)
            check_access(page)


def test_the_admins_choice_of_light_or_dark_counts(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.evaluate("localStorage.setItem('adminTheme', JSON.stringify('dark'))")
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).color").startswith("oklch(0.967")
    page.evaluate("localStorage.setItem('adminTheme', JSON.stringify('auto'))")
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).color").startswith("oklch(0.21")


def test_it_is_walked_through_with_the_keyboard_and_the_focus_stays(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the numbers"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    focused = "document.activeElement.getAttribute('href')"
    where = page.evaluate(focused)
    assert where.startswith("/admin/khronos/turn/")
    arrive()
    expect(page.locator("#received")).to_have_text("1")
    assert page.evaluate(focused) == where


def test_flower_is_found_with_its_password(operator: Operator, settings: Settings) -> None:
    settings.FLOWER_PORT, settings.FLOWER_PASSWORD = 5599, "password-of-flower"
    page = operator.page
    page.get_by_role("link", name="Flower").click()
    page.wait_for_url("**/admin/flower/")
    expect(page.get_by_text("password-of-flower")).to_be_hidden()
    page.locator("summary", has_text="Show").click()
    expect(page.get_by_text("password-of-flower")).to_be_visible()
    links = page.locator("a").evaluate_all("all => all.map(a => a.href)")
    assert "http://127.0.0.1:5599/" in links
    assert not [link for link in links if "password" in link]


def check_access(page: Page) -> None:
    assert page.evaluate(WITHHELD) == []
    assert page.locator("h1").count() == 1
    assert page.locator("[role=status]").count() == 2
