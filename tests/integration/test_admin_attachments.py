"""What operators see of files: pictures in small, texts, states; and never a page that a stranger sent."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from bench.simulator.telegram.pictures import PHOTO
from khronos.media import reasons
from khronos.models import Attachment
from tests import factories as make

State, Kind = Attachment.State, Attachment.Kind

EVIL = {
    "page": b"<html><script>alert(1)</script>",
    "drawing": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "paper": b"%PDF-1.7",
    "half": b"GIF8<script>alert(1)</script>",
}


def file_of(row: Attachment) -> str:
    return reverse("admin:khronos_attachment_file", args=[row.pk])


def timeline(client: Client, row: Attachment) -> str:
    url = reverse("admin:khronos_conversation_change", args=[row.message.conversation_id])
    return client.get(url).content.decode()


def test_a_picture_is_shown_as_what_its_bytes_are(operator: Client) -> None:
    row = make.make_attachment(raw=PHOTO, media_type="text/html", name='a"\r\nX: y<script>.html')
    answer: Any = operator.get(file_of(row))
    assert (answer.status_code, answer.content) == (200, PHOTO)
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"].startswith("private")
    assert answer["Content-Disposition"].startswith("inline; ")
    assert "X" not in {name for name, _ in answer.items()}
    saved: Any = operator.get(file_of(row), {"save": "1"})
    assert (saved["Content-Type"], saved.content) == ("application/octet-stream", PHOTO)
    assert saved["Content-Disposition"].startswith("attachment; ")


@pytest.mark.parametrize("name", EVIL)
def test_nothing_else_is_ever_opened_here(operator: Client, name: str) -> None:
    row = make.make_attachment(raw=EVIL[name], media_type="image/png", name=f"{name}.png")
    answer: Any = operator.get(file_of(row))
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == f'attachment; filename="{name}.png"'
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_whoever_may_not_see_it_gets_nothing(client: Client, db: None) -> None:
    row = make.make_attachment(raw=PHOTO)
    assert client.get(file_of(row)).status_code == 302
    user = make.make_user(is_superuser=False)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_conversation", "view_message"]))
    client.force_login(user)
    assert client.get(file_of(row)).status_code == 403
    page = timeline(client, row)
    assert "kh-said" in page
    assert file_of(row) not in page
    user.user_permissions.add(Permission.objects.get(codename="view_attachment"))
    assert client.get(file_of(row)).status_code == 200
    assert client.post(file_of(row)).status_code == 405


def test_bytes_that_are_not_here_are_not_found(operator: Client) -> None:
    waiting = make.make_attachment()
    assert operator.get(file_of(waiting)).status_code == 404
    assert operator.get(reverse("admin:khronos_attachment_file", args=[10**9])).status_code == 404
    page = timeline(operator, waiting)
    assert file_of(waiting) not in page
    assert "photo" in page


def test_the_timeline_shows_pictures_names_texts_and_reasons(operator: Client) -> None:
    photo = make.make_attachment(raw=PHOTO, media_type="image/jpeg", state=State.READ)
    message = photo.message
    make.make_attachment(
        message=message,
        kind=Kind.DOCUMENT,
        name="<b>bill.pdf",
        raw=b"%PDF-",
        state=State.READ,
        text="Bill <17>",
    )
    make.make_attachment(message=message, kind=Kind.DOCUMENT, state=State.REFUSED, reason=reasons.TOO_LARGE)
    page = timeline(operator, photo)
    assert page.count(f'src="{file_of(photo)}"') == 1
    assert page.count('class="kh-thumb"') == 1
    assert "&lt;b&gt;bill.pdf" in page
    assert "Bill &lt;17&gt;" in page
    assert reasons.TOO_LARGE in page
    operator.cookies["django_language"] = "pt-br"
    assert "É maior do que o aceito aqui." in timeline(operator, photo)


def test_what_was_spoken_is_the_message_and_is_not_said_twice(operator: Client) -> None:
    row = make.make_attachment(kind=Kind.VOICE, raw=b"OggS", state=State.READ, text="Where is it?", seconds=4)
    type(row.message).objects.filter(pk=row.message_id).update(text="Where is it?", content="voice")
    page = timeline(operator, row)
    assert page.count("Where is it?") == 1
    assert f"{file_of(row)}?save=1" in page
