"""What tests of the chat page share: a visitor who writes, and a server that answers."""

from playwright.sync_api import Page, Route, expect

from khronos.models import Conversation, Message, Turn
from tests.integration import way


def write(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


def arrived(page: Page, count: int = 1) -> None:
    """Wait until the server has so many updates, without a message of ours that waits."""
    expect(page.locator(".contact[data-state=sent]")).to_have_count(count)


def answer(text: str, author: str = "bot") -> None:
    way.dispatch()
    conversation = Conversation.objects.get()
    Message.objects.create(conversation=conversation, author=author, text=text)
    Turn.objects.unsettled().update(state=Turn.State.ANSWERED, due_at=None)


def shown(page: Page, text: str) -> None:
    """An answer, as the page shows it."""
    write(page, "Question")
    arrived(page)
    answer(text)
    expect(page.locator(".message.bot")).to_have_count(1)


def bubble(page: Page) -> str:
    return page.locator(".message.bot .bubble").inner_html()


def cut(route: Route) -> None:
    route.abort()
