"""The chat page in a real browser: nothing that was written is lost."""

import pytest
from playwright.sync_api import Page, Route, expect

from khronos.models import Conversation, Message, Tenant, Update
from tests.browser.chat_stage import answer, arrived, cut, shown, write
from tests.factories import make_queue
from tests.integration import way

pytestmark = pytest.mark.usefixtures("bus")


# Talking


def test_question_is_answered_while_dots_dance(page: Page) -> None:
    write(page, "Hello there")
    expect(page.locator("#thinking")).to_be_visible()
    expect(page.locator("#welcome")).to_be_hidden()
    arrived(page)
    answer("Good **day**")
    expect(page.locator(".message.bot strong")).to_have_text("day")
    expect(page.locator("#thinking")).to_be_hidden()
    assert Update.objects.count() == 1


def test_example_is_a_question(page: Page) -> None:
    page.get_by_role("button", name="How do I talk to a person?").click()
    arrived(page)
    way.dispatch()
    assert Message.objects.get().text == "How do I talk to a person?"


def test_enter_sends_and_shift_enter_does_not(page: Page) -> None:
    box = page.get_by_label("Your message")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    box.press_sequentially("one")
    page.keyboard.press("Shift+Enter")
    box.press_sequentially("two")
    assert Update.objects.count() == 0
    page.keyboard.press("Enter")
    arrived(page)
    way.dispatch()
    assert Message.objects.get().text == "one\ntwo"
    expect(box).to_have_value("")
    expect(box).to_be_focused()


def test_people_and_notices_have_their_own_look(page: Page) -> None:
    write(page, "/human")
    arrived(page)
    answer("You are waiting for a person.", "system")
    answer("This is Ana.", "operator")
    expect(page.locator(".message.system")).to_contain_text("waiting")
    expect(page.locator(".message.operator")).to_contain_text("Operator")


def test_a_press_of_the_newest_button_says_what_it_stands_for(page: Page) -> None:
    make_queue(tenant=Tenant.objects.get())
    back = page.get_by_role("button", name="Back to the assistant")
    write(page, "/human")
    arrived(page)
    way.dispatch()
    way.answer()
    back.click()
    arrived(page, 2)
    expect(back).to_be_hidden()
    way.dispatch()
    way.answer()
    expect(page.locator(".message.system")).to_contain_text("The assistant answers you again.")
    assert Conversation.objects.get().handler == Conversation.Handler.BOT
    said = Message.objects.filter(author="contact").order_by("pk")
    assert list(said.values_list("text", flat=True)) == [
        "/human",
        "/assistant",
    ]


def test_conversation_is_there_after_a_reload(page: Page) -> None:
    shown(page, "An answer")
    page.reload()
    expect(page.locator(".message")).to_have_count(2)
    expect(page.locator("#welcome")).to_be_hidden()


def test_edit_changes_the_message_in_its_place(page: Page) -> None:
    shown(page, "Frist")
    answer("Second")
    expect(page.locator(".message.bot")).to_have_count(2)
    first = Message.objects.filter(author="bot").earliest("pk")
    first.text = "First"
    first.edited_at = first.created_at.now(first.created_at.tzinfo)
    first.save()
    expect(page.locator(".message.bot").first).to_contain_text("First")
    expect(page.locator(".message.bot").first).to_contain_text("edited")
    expect(page.locator(".message.bot")).to_have_count(2)


def test_news_below_wait_for_a_reader_who_scrolled_up(page: Page) -> None:
    shown(page, "\n\n".join(str(number) for number in range(60)))
    scroller = page.locator("#scroller")
    scroller.evaluate("node => { node.scrollTop = 0; }")
    answer("News")
    page.get_by_role("button", name="New messages").click()
    expect(page.locator(".message.bot").last).to_be_in_viewport()
    expect(page.locator("#newest")).to_be_hidden()


def test_long_answer_shows_its_beginning(page: Page) -> None:
    shown(page, "The beginning\n\n" + "\n\n".join(str(number) for number in range(60)))
    expect(page.get_by_text("The beginning")).to_be_in_viewport()


def test_two_tabs_show_one_conversation(page: Page) -> None:
    other = page.context.new_page()
    other.goto(page.url)
    write(page, "From the first tab")
    arrived(page)
    answer("To both")
    for tab in (page, other):
        expect(tab.locator(".message.contact")).to_have_count(1)
        expect(tab.locator(".message.bot")).to_have_count(1)


# Losing nothing


def test_lost_connection_is_told_and_nothing_is_lost_or_doubled(page: Page) -> None:
    page.route("**/chat/messages*", cut)
    write(page, "Are you there?")
    expect(page.locator("#banner")).to_contain_text("Connection lost, trying again")
    expect(page.locator(".contact")).to_contain_text("Waiting to be sent")
    assert Update.objects.count() == 0
    page.get_by_role("button", name="Try now").click()
    page.unroute("**/chat/messages*")
    page.locator("#retry").dispatch_event("click")  # the page may have tried by itself, and hidden it
    arrived(page)
    expect(page.locator("#banner")).to_be_hidden()
    assert Update.objects.count() == 1


def test_lost_acknowledgement_stores_once(page: Page) -> None:
    """The server has stored it, the page does not know: the same id is sent again."""
    lost: list[int] = []

    def lose_the_first_answer(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    page.route("**/chat/messages*", lose_the_first_answer)
    write(page, "Once, please")
    arrived(page)
    page.unroute("**/chat/messages*")
    assert lost == [202]
    assert Update.objects.count() == 1


def test_unsent_messages_and_the_draft_outlive_the_page_in_order(page: Page) -> None:
    page.route("**/chat/messages*", cut)
    write(page, "one")
    write(page, "two")
    page.get_by_label("Your message").fill("a draft")
    page.unroute("**/chat/messages*")
    page.route("**/chat/messages*", cut)
    page.reload()
    expect(page.locator(".contact")).to_have_count(2)
    expect(page.get_by_label("Your message")).to_have_value("a draft")
    page.unroute("**/chat/messages*")
    arrived(page, 2)
    way.dispatch()
    assert list(Message.objects.order_by("pk").values_list("text", flat=True)) == ["one", "two"]


def test_acknowledged_message_is_shown_before_it_is_dispatched(page: Page) -> None:
    write(page, "Stored, not yet dispatched")
    arrived(page)
    page.reload()
    expect(page.locator(".contact")).to_have_count(1)
    expect(page.locator("#thinking")).to_be_visible()
    answer("Here it is")
    expect(page.locator(".message")).to_have_count(2)
    assert Update.objects.count() == 1


def test_busy_server_is_asked_again(page: Page) -> None:
    answers: list[int] = []

    def busy_once(route: Route) -> None:
        if route.request.method == "POST" and not answers:
            answers.append(503)
            route.fulfill(status=503, headers={"Retry-After": "0"}, body="{}")
        else:
            route.continue_()

    page.route("**/chat/messages*", busy_once)
    write(page, "Patience")
    arrived(page)
    page.unroute("**/chat/messages*")
    assert Update.objects.count() == 1


def test_refused_message_says_why_and_does_not_hold_up_the_next(page: Page) -> None:
    page.get_by_label("Your message").evaluate("box => box.maxLength = 100000")
    write(page, "x" * 8001)
    expect(page.locator(".contact[data-state=refused]")).to_contain_text("Too long")
    write(page, "short")
    arrived(page)
    assert Update.objects.count() == 1


def test_lost_cookie_is_replaced_and_the_message_sent(page: Page) -> None:
    page.context.clear_cookies()
    write(page, "Do you know me?")
    arrived(page)
    assert Update.objects.count() == 1
