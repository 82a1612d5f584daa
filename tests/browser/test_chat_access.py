"""The chat page for everybody: by keyboard, by ear, in Portuguese, and from nowhere else."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chat_stage import shown

pytestmark = pytest.mark.usefixtures("bus")


def test_keyboard_reaches_everything(page: Page) -> None:
    page.locator(".skip").focus()
    expect(page.locator(".skip")).to_be_in_viewport()
    seen = []
    for _ in range(6):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    examples = ["What can you do for me?", "How do I talk to a person?", "What happens to my data?"]
    assert seen == ["scroller", *examples, "pick", "text"]


def test_screen_readers_are_told(page: Page) -> None:
    log = page.get_by_role("log")
    expect(log).to_have_attribute("aria-live", "polite")
    expect(log).to_have_attribute("aria-busy", "false")
    assert page.get_by_label("Your message").count() == 1
    assert page.get_by_role("status").count() >= 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page: Page, scheme: str) -> None:
    """WCAG AA: 4.5 to 1 for every text on the page."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    shown(page, "A *thin* [link](https://x.example/) and `code`\n\n> quoted\n\n```py\nx\n```")
    poor = [found for found in page.evaluate(CONTRASTS) if found["ratio"] < 4.5]
    assert poor == []


CONTRASTS = """() => {
    const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
        .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (node) => {
        for (; node; node = node.parentElement) {
            const colour = channels(getComputedStyle(node).backgroundColor);
            if (colour.length < 4 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const own = (node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    return [...document.querySelectorAll("body *")].filter((node) => own(node) && node.checkVisibility())
        .map((node) => {
            const [one, other] = [channels(getComputedStyle(node).color), ground(node)].map(luminance);
            const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
            return { text: node.textContent.trim().slice(0, 40), ratio: Math.round(ratio * 100) / 100 };
        });
}"""


def test_portuguese_browser_gets_a_portuguese_page(browser: Browser, chat: str) -> None:
    context = browser.new_context(locale="pt-BR")
    opened = context.new_page()
    opened.goto(chat)
    expect(opened.locator("h2")).to_have_text("Olá! Como posso ajudar?")
    expect(opened.locator("#state")).to_contain_text("Conectado")
    context.close()


def test_page_loads_nothing_from_elsewhere(browser: Browser, chat: str) -> None:
    context = browser.new_context()
    opened = context.new_page()
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(chat)
    opened.wait_for_load_state("networkidle")
    context.close()
    home = re.match(r"http://[^/]+/", chat)
    assert home is not None
    assert [url for url in asked if not url.startswith(home[0])] == []
