"""A browser for the tests of pages."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from khronos.intake import channels
from tests.conftest import missing
from tests.factories import make_channel

SOON_MS = 25_000  # patience, no promise
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        missing("chromium")
    expect.set_options(timeout=SOON_MS)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright runs a loop in this thread
        opened = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def chat(live_server: LiveServer) -> str:
    channels.forget()
    make_channel(slug="chat", kind="web", token="", secret="hush")
    return f"{live_server.url}/chat/"


@pytest.fixture
def page(browser: Browser, chat: str) -> Iterator[Page]:
    """A visitor's first look. Whatever the browser complains of fails the test."""
    context = browser.new_context(locale="en-US", viewport={"width": 390, "height": 844})
    context.set_default_timeout(SOON_MS)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: note(said, complaints))
    opened.goto(chat)
    expect(opened.locator("#state")).to_contain_text("Connected")
    yield opened
    context.close()
    assert complaints == []


def note(said: ConsoleMessage, complaints: list[str]) -> None:
    if said.type in ("error", "warning") and "Failed to load resource" not in said.text:
        complaints.append(said.text)
