"""The inbox in a real browser: what comes is shown without a reload, and what is typed is never lost."""

from collections.abc import Iterator

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from khronos.conversation import handoff
from khronos.models import Contact, Conversation, Delivery, Message
from tests.browser.test_admin import DESK, PHONE, Operator, operator_on, page_of
from tests.factories import make_canned_answer, make_conversation, make_message, make_queue, make_user

pytestmark = pytest.mark.usefixtures("bus")


@pytest.fixture
def talk(live_server: LiveServer) -> Conversation:
    """Olga holds it."""
    olga = make_user(username="olga", password="password-of-olga")
    held = make_conversation()
    make_message(conversation=held, text="Is anybody there?")
    handoff.claim(held, olga)
    return held


@pytest.fixture
def olga(browser: Browser, talk: Conversation, live_server: LiveServer) -> Iterator[Operator]:
    yield from operator_on(browser, live_server.url, DESK)


@pytest.fixture
def on_the_road(browser: Browser, talk: Conversation, live_server: LiveServer) -> Iterator[Operator]:
    yield from operator_on(browser, live_server.url, PHONE, locale="pt-BR", color_scheme="dark")


def test_a_talk_goes_on_without_a_reload(olga: Operator, talk: Conversation) -> None:
    olga.open(page_of(talk))
    olga.page.evaluate("window.isTheSame = true")
    answer = olga.page.get_by_role("textbox", name="Your answer")
    answer.fill("I am, and")
    make_message(conversation=talk, text="Hello?")
    expect(olga.page.locator(".kh-left .kh-text")).to_have_text(["Is anybody there?", "Hello?"])
    expect(answer).to_have_value("I am, and")
    answer.fill("I am here.")
    answer.press("Control+Enter")
    said = olga.page.locator(".kh-right", has_text="I am here.")
    expect(said.locator(".kh-mark.kh-warning")).to_have_count(1)
    expect(answer).to_have_value("")
    Delivery.objects.update(state=Delivery.State.SENT, due_at=None)
    expect(said.locator(".kh-mark.kh-success")).to_have_text("✓ sent")
    assert olga.page.evaluate("window.isTheSame")
    assert Message.objects.filter(author=Message.Author.OPERATOR).count() == 1


def test_what_was_typed_outlives_a_reload_and_a_quicker_colleague(olga: Operator, talk: Conversation) -> None:
    olga.open(page_of(talk))
    olga.page.get_by_role("textbox", name="Your answer").fill("A long answer")
    olga.open(page_of(talk))
    expect(olga.page.get_by_role("textbox", name="Your answer")).to_have_value("A long answer")
    Conversation.objects.filter(pk=talk.pk).update(operator=make_user(username="rita"))
    unsent = olga.page.locator(".kh-unsent")
    expect(unsent).to_contain_text("A long answer")
    expect(olga.page.locator(".kh-reply")).to_have_count(0)
    expect(olga.page.locator(".kh-head")).to_contain_text("rita answers")
    unsent.get_by_role("button", name="Throw it away").click()
    olga.open(page_of(talk))
    expect(olga.page.locator(".kh-said")).to_have_count(1)
    expect(unsent).to_be_hidden()
    assert not Message.objects.filter(author=Message.Author.OPERATOR).exists()


def test_a_note_is_written_and_a_canned_answer_picked(olga: Operator, talk: Conversation) -> None:
    for name in ("price", "price list"):
        make_canned_answer(tenant=talk.tenant, name=name, text=f"The {name}, {{name}}.")
    Contact.objects.filter(conversations=talk).update(name="Ana")
    olga.open(page_of(talk))
    answer, picker = (
        olga.page.get_by_role("textbox", name="Your answer"),
        olga.page.locator(".kh-canned"),
    )
    answer.fill("Hi! ")
    picker.fill("list")
    picker.press("Enter")
    expect(answer).to_have_value("Hi! The price list, Ana.")
    expect(picker).to_have_value("")
    expect(answer).to_be_focused()
    olga.page.get_by_text("Write a note for colleagues").click()
    note = olga.page.get_by_role("textbox", name="Your note")
    note.fill("Ask for the number.")
    note.press("Control+Enter")
    expect(olga.page.locator(".kh-remark")).to_contain_text("note, not sent")
    expect(note).to_have_value("")
    expect(answer).to_have_value("Hi! The price list, Ana.")
    assert not Delivery.objects.exists()


def test_the_list_says_that_somebody_came_and_is_walked_by_keys(olga: Operator, talk: Conversation) -> None:
    olga.open(reverse("admin:khronos_conversation_changelist"))
    expect(olga.page.locator(".kh-counts")).to_contain_text("waits for a person: 0")
    new = olga.page.get_by_role("link", name="Something new came")
    expect(new).to_be_hidden()
    handoff.hand_off(make_conversation(title="Rosa"), make_queue(tenant=talk.tenant), by="contact")
    expect(olga.page.locator(".kh-counts")).to_contain_text("waits for a person: 1")
    new.click()
    expect(olga.page.locator("#result_list")).to_contain_text("Rosa")
    expect(new).to_be_hidden()
    olga.page.keyboard.press("j")
    olga.page.keyboard.press("Enter")
    olga.page.wait_for_url("**/change/*")


def test_who_hears_nothing_is_told_so_and_keeps_what_is_written(
    on_the_road: Operator, talk: Conversation
) -> None:
    page = on_the_road.page
    on_the_road.open(page_of(talk))
    answer = page.get_by_role("textbox", name="Sua resposta")
    answer.fill("Estou aqui.")
    page.context.set_offline(True)
    page.get_by_role("button", name="Enviar", exact=True).click()
    expect(page.locator(".kh-refusal")).to_contain_text("Não enviada")
    expect(page.locator(".kh-lost")).to_contain_text("Sem contato com o Khronos")
    expect(answer).to_have_value("Estou aqui.")
    page.context.set_offline(False)
    expect(page.locator(".kh-lost")).to_be_hidden()
    page.get_by_role("button", name="Enviar", exact=True).click()
    expect(page.locator(".kh-right .kh-text")).to_have_text("Estou aqui.")
    assert all("ERR_INTERNET_DISCONNECTED" in each for each in on_the_road.complaints)
    on_the_road.complaints.clear()
