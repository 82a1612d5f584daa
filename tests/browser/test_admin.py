"""The operator's pages in a real browser: each opens, fits a phone, and nothing is complained of."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

import khronos.urls  # registers the screens
from khronos.models import Alert, Conversation, Delivery, Pause
from tests.browser.conftest import SOON_MS
from tests.factories import make_user
from tests.fixtures.desk import seed

assert khronos.urls.urlpatterns
NOUNS = sorted(admin.site._registry, key=lambda model: model._meta.label)
DESK, PHONE = ViewportSize(width=1360, height=850), ViewportSize(width=390, height=844)
VISITS_S = 300  # patience with a good hundred pages, no promise
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


class Operator:
    """Someone who is signed in, and remembers whatever the browser or the server complained of."""

    def __init__(self, page: Page, server: str) -> None:
        self.page, self.server = page, server
        self.complaints: list[str] = []
        page.set_default_timeout(SOON_MS)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", self.hear)
        page.on("response", self.look)

    def hear(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.complaints.append(f"{self.page.url}: {said.text}")

    def look(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.url}: {response.status}")

    def sign_in(self) -> None:
        self.open("/admin/login/")
        self.page.fill("[name=username]", "olga")
        self.page.fill("[name=password]", "password-of-olga")
        self.page.click("button[type=submit]")
        self.page.wait_for_url(f"{self.server}/admin/")

    def open(self, path: str) -> None:
        self.page.goto(self.server + path)
        if self.page.evaluate(TOO_WIDE):
            self.complaints.append(f"{path}: too wide")


@pytest.fixture
def talk(live_server: LiveServer) -> Conversation:
    make_user(username="olga", password="password-of-olga")
    return seed()


def operator_on(browser: Browser, server: str, view: ViewportSize, **look: str) -> Iterator[Operator]:
    context = browser.new_context(viewport=view, **{"locale": "en-US"} | look)  # type: ignore[arg-type]
    someone = Operator(context.new_page(), server)
    someone.sign_in()
    yield someone
    context.close()
    assert someone.complaints == []


@pytest.fixture
def operator(browser: Browser, talk: Conversation, live_server: LiveServer) -> Iterator[Operator]:
    yield from operator_on(browser, live_server.url, DESK)


@pytest.fixture
def on_the_road(browser: Browser, talk: Conversation, live_server: LiveServer) -> Iterator[Operator]:
    """With a phone, at night, in Brazil."""
    yield from operator_on(browser, live_server.url, PHONE, locale="pt-BR", color_scheme="dark")


def visit_all(operator: Operator, talk: Conversation) -> None:
    operator.open("/admin/")
    for model in NOUNS:
        operator.open(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
        row = talk if model is Conversation else model._default_manager.first()
        if row is not None:
            operator.open(page_of(row))


def page_of(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


@pytest.mark.timeout(VISITS_S)
def test_every_page_opens_on_a_desk(operator: Operator, talk: Conversation) -> None:
    visit_all(operator, talk)


@pytest.mark.timeout(VISITS_S)
def test_every_page_opens_on_a_phone(on_the_road: Operator, talk: Conversation) -> None:
    visit_all(on_the_road, talk)
    expect(on_the_road.page.locator("html")).to_have_class("dark")
    on_the_road.open("/admin/")
    expect(on_the_road.page.get_by_text("Conversas abertas")).to_be_visible()


def test_every_list_is_one_click_away(operator: Operator) -> None:
    operator.open("/admin/")
    links = operator.page.locator("#nav-sidebar-apps a").evaluate_all("all => all.map(a => a.pathname)")
    lists = [reverse(f"admin:{each._meta.app_label}_{each._meta.model_name}_changelist") for each in NOUNS]
    rare = {"/admin/django_celery_beat/clockedschedule/", "/admin/django_celery_beat/solarschedule/"}
    assert set(lists) - rare <= set(links)


def test_what_failed_is_sent_again_with_a_click(operator: Operator, talk: Conversation) -> None:
    operator.open(page_of(talk))
    operator.page.get_by_role("button", name="Send again").click()
    expect(operator.page.get_by_text("Will be sent: 1.")).to_be_visible()
    expect(operator.page.get_by_role("button", name="Send again")).to_have_count(0)
    assert not Delivery.objects.filter(state=Delivery.State.FAILED).exists()


def test_a_conversation_is_paused_and_resumed_with_a_click(operator: Operator, talk: Conversation) -> None:
    operator.open(page_of(talk))
    operator.page.get_by_role("button", name="Pause", exact=True).click()
    expect(operator.page.get_by_text("by olga: this conversation.")).to_be_visible()
    expect(operator.page.locator(".kh-badge", has_text="paused for")).to_be_visible()
    assert Pause.objects.get().conversation == talk
    operator.page.get_by_role("button", name="Resume", exact=True).click()
    expect(operator.page.get_by_text("Resumed: 1.")).to_be_visible()
    expect(operator.page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    assert not Pause.objects.exists()


def test_an_alert_is_muted_and_heard_of_again_with_a_click(operator: Operator) -> None:
    row = Alert.objects.get(name="turn.buried")
    operator.open(page_of(row))
    operator.page.get_by_role("button", name="Mute for 8 h").click()
    expect(operator.page.get_by_text("Muted by olga until").first).to_be_visible()
    operator.page.get_by_role("button", name="Unmute").click()
    expect(operator.page.get_by_role("button", name="Mute for 8 h")).to_be_visible()
    row.refresh_from_db()
    assert (row.muted_by, row.muted_until) == ("", None)


def test_a_queue_is_paused_in_the_list_of_pauses(operator: Operator) -> None:
    operator.open(reverse("admin:khronos_pause_add"))
    operator.page.select_option("select[name=queue]", "delivery")
    operator.page.get_by_role("button", name="Save", exact=True).click()
    expect(operator.page.get_by_text("queue delivery").first).to_be_visible()
    operator.open(page_of(Pause.objects.get()))
    operator.page.get_by_role("button", name="Resume", exact=True).click()
    expect(operator.page.get_by_text("Resumed: 1.")).to_be_visible()
    assert not Pause.objects.exists()


def test_rows_are_repaired_from_their_list(operator: Operator) -> None:
    operator.open(reverse("admin:khronos_quarantined_changelist"))
    for box in operator.page.locator("input.action-select").all()[:2]:
        box.check()
    operator.page.select_option("select[name=action]", "read_again")
    operator.page.get_by_role("button", name="Run").click()
    expect(operator.page.get_by_text("Back to the dispatcher: 2.")).to_be_visible()


def test_the_language_is_switched_in_the_menu(operator: Operator) -> None:
    operator.open("/admin/")
    operator.page.locator("#nav-sidebar-inner").get_by_text("olga").last.click()
    operator.page.get_by_role("button", name="Português").click()
    expect(operator.page.get_by_text("Atendimento")).to_be_visible()
