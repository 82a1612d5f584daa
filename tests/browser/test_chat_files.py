"""Files on the chat page: chosen, refused in words before they are sent, and shown in the talk."""

import pytest
from playwright.sync_api import FilePayload, Page, expect

from bench.simulator.telegram.pictures import PHOTO
from khronos.models import Attachment, Update, Upload
from tests.browser.chat_stage import arrived, cut
from tests.integration import way

pytestmark = pytest.mark.usefixtures("bus")

CAKE = FilePayload(name="cake.jpg", mimeType="image/jpeg", buffer=PHOTO)
LONG = FilePayload(name=f"{'long ' * 30}.txt", mimeType="text/plain", buffer=b"x")
LARGE = FilePayload(name="film.mp4", mimeType="video/mp4", buffer=b"x" * (5 * 1024 * 1024))


def choose(page: Page, *files: FilePayload) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Attach files").click()
    chooser.value.set_files(list(files))


def test_a_file_is_sent_with_its_words_and_its_name_stays_in_the_talk(page: Page) -> None:
    choose(page, CAKE)
    expect(page.locator("#files")).to_contain_text("cake.jpg")
    page.get_by_label("Your message").fill("Is it right?")
    page.get_by_role("button", name="Send").click()
    arrived(page)
    expect(page.locator("#files")).to_be_hidden()
    way.dispatch()
    row = Attachment.objects.get()
    assert (row.name, row.media_type, row.message.text) == ("cake.jpg", "image/jpeg", "Is it right?")
    assert bytes(Upload.objects.get().raw) == PHOTO
    page.reload()
    expect(page.locator(".message.contact")).to_have_count(1)
    expect(page.locator(".contact .attached")).to_have_text("Attachment: cake.jpg")
    expect(page.locator(".contact .bubble")).to_contain_text("Is it right?")
    assert Update.objects.count() == 1


def test_a_file_alone_may_be_sent_and_a_chosen_one_taken_back(page: Page) -> None:
    send = page.get_by_role("button", name="Send")
    choose(page, CAKE)
    expect(send).to_be_enabled()
    page.get_by_role("button", name="Remove cake.jpg").click()
    expect(send).to_be_disabled()
    expect(page.get_by_role("button", name="Attach files")).to_be_focused()
    choose(page, CAKE)
    send.click()
    arrived(page)
    assert Upload.objects.count() == 1


def test_a_long_name_is_no_wider_than_a_phone(page: Page) -> None:
    choose(page, LONG)
    expect(page.get_by_role("button", name="Remove long")).to_be_in_viewport()
    page.get_by_role("button", name="Send").click()
    arrived(page)
    choose(page, LONG)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_what_is_too_large_is_refused_before_it_is_sent(page: Page) -> None:
    choose(page, CAKE, LARGE)
    told = page.get_by_role("alert")
    expect(told).to_have_text("film.mp4: the files of a message may have 5 MB together")
    expect(page.locator("#files li")).to_have_count(1)
    choose(page, *[CAKE] * 4)
    expect(told).to_have_text("cake.jpg: a message may have 4 files")
    expect(page.locator("#files li")).to_have_count(4)
    assert Update.objects.count() == 0


def test_a_file_outlives_the_page_while_the_server_is_away(page: Page) -> None:
    page.route("**/chat/messages*", cut)
    choose(page, CAKE)
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".contact")).to_contain_text("Waiting to be sent")
    page.reload()
    expect(page.locator(".contact .attached")).to_have_text("Attachment: cake.jpg")
    assert Update.objects.count() == 0
    page.unroute("**/chat/messages*")
    arrived(page)
    assert bytes(Upload.objects.get().raw) == PHOTO
