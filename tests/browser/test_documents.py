"""An operator sends a file: a bar while it goes up, and its row tells how far it is, without a reload."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from khronos.knowledge import versions, work
from khronos.knowledge.reading.guarded import read
from khronos.knowledge.splitting import split
from khronos.models import Chunk, Document
from tests.browser.test_admin import PHONE, Operator
from tests.factories import make_tenant, make_user

SLOW = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}
TEXT = "\n\n".join(f"# Part {number}\n\nThis is part {number}. {'So it is. ' * 12}" for number in range(2000))


@pytest.mark.usefixtures("bus")
def test_a_file_is_sent_and_read_before_the_operators_eyes(
    live_server: LiveServer, browser: Browser, tmp_path: Path
) -> None:
    make_user(username="olga", password="password-of-olga")
    make_tenant()
    file = tmp_path / "library.md"
    file.write_text(TEXT)
    context = browser.new_context(viewport=PHONE, locale="en-US")
    operator = Operator(context.new_page(), live_server.url)
    page = operator.page
    operator.sign_in()
    operator.open("/admin/khronos/document/add/")
    page.set_input_files("[name=file]", {"name": "a.md", "mimeType": "text/markdown", "buffer": b" "})
    page.click("[name=_save]", no_wait_after=True)
    expect(page.get_by_text("It is empty.")).to_be_visible()
    page.set_input_files("[name=file]", file)
    devices = context.new_cdp_session(page)
    devices.send("Network.emulateNetworkConditions", SLOW)
    page.click("[name=_save]", no_wait_after=True)
    expect(page.locator(".kh-upload")).to_contain_text("Sending the file:")
    page.wait_for_url(f"{live_server.url}/admin/khronos/document/")
    expect(page.get_by_text("was added successfully")).to_be_visible()
    devices.send("Network.emulateNetworkConditions", SLOW | {"uploadThroughput": -1})
    document = Document.objects.get()
    row = page.locator(f'[data-document="{document.pk}"]')
    expect(row.get_by_label("Waits to be read")).to_be_visible()
    claimed = Document.objects.claim(document.pk, versions.LEASE)
    assert claimed is not None
    pieces = list(split(read("markdown", TEXT.encode())))[:20]
    versions.renew(claimed, pieces)
    Chunk.objects.filter(position__lt=10).update(code=b"1" * 64)
    expect(row).to_contain_text("10 of 20 passages")
    work.work_on(claimed)
    expect(row).to_have_text("ready")
    expect(page.locator(f'[data-pieces="{document.pk}"]')).to_have_text("20")
    context.close()
    assert operator.complaints == []
