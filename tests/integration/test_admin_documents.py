"""Documents in the admin: taken in or refused in words, tried again, removed with all of it."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from khronos.knowledge import readers, versions, work
from khronos.knowledge.reading.guarded import read
from khronos.knowledge.splitting import split
from khronos.models import Chunk, Document
from tests.factories import make_tenant, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]
ADD, LIST = "admin:khronos_document_add", "admin:khronos_document_changelist"


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make_user())
    return client


def put_in(
    operator: Client, name: str = "", raw: bytes = b"", *, address: str = "", language: str = "en"
) -> str:
    data: dict[str, object] = {"tenant": make_tenant().pk, "source": address}
    if name:
        data["file"] = SimpleUploadedFile(name, raw)
    operator.cookies["django_language"] = language
    response = operator.post(reverse(ADD), data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_a_file_is_taken_in_and_read(
    operator: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks() as rings:
        put_in(operator, "shop.md", b"# Returns\n\nThirty days.")
    assert len(rings) >= 1
    assert readers.read_all() == 1
    document = Document.objects.get()
    assert (document.title, document.source, document.state) == ("shop", "shop.md", Document.State.READY)
    page = operator.get(reverse(LIST)).content.decode()
    assert "shop" in page
    assert "kh-success" in page


@pytest.mark.parametrize(
    ("name", "raw", "address", "english", "portuguese"),
    [
        (
            "a.exe",
            b"MZ",
            "",
            "This is no kind of file that can be read",
            "Este tipo de arquivo não pode ser lido",
        ),
        ("a.md", b" \n", "", "It is empty", "Está vazio"),
        ("", b"", "", "Choose a file, or write an address", "Escolha um arquivo ou escreva um endereço"),
        ("a.md", b"Hello", "https://x.example/", "Choose a file, or write", "Escolha um arquivo ou escreva"),
        ("a.md", b"a" * 2_000_001, "", "It has 2 MB; at most 1 MB are read", "são lidos no máximo 1 MB"),
    ],
)
def test_what_is_refused_is_refused_in_words_and_not_kept(
    operator: Client, settings: Settings, name: str, raw: bytes, address: str, english: str, portuguese: str
) -> None:
    settings.KNOWLEDGE_FILE_MAX_BYTES = 1024 * 1024
    assert english in put_in(operator, name, raw, address=address)
    assert portuguese in put_in(operator, name, raw, address=address, language="pt-br")
    assert not Document.objects.exists()


def test_an_address_that_is_not_listed_is_refused(operator: Client) -> None:
    assert "is not on the list" in put_in(operator, address="https://x.example/page")
    assert not Document.objects.exists()


def test_what_failed_says_why_in_both_languages_and_is_read_again(operator: Client) -> None:
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    put_in(operator, "a.docx", empty.getvalue())
    readers.read_all()
    document = Document.objects.get()
    page = reverse("admin:khronos_document_change", args=[document.pk])
    assert "It is damaged" in operator.get(page).content.decode()
    operator.cookies["django_language"] = "pt-br"
    assert "Está danificado" in operator.get(page).content.decode()
    operator.post(reverse(LIST), {"action": "try_again", "_selected_action": str(document.pk), "index": "0"})
    document.refresh_from_db()
    assert (document.state, document.attempts) == (Document.State.WAITING, 0)


def test_a_removed_document_is_asked_for_once_and_gone_with_all_of_it(operator: Client) -> None:
    put_in(operator, "shop.md", b"# Returns\n\nThirty days.")
    readers.read_all()
    gone = reverse("admin:khronos_document_delete", args=[Document.objects.get().pk])
    assert "1 passage" in operator.get(gone).content.decode()
    assert Chunk.objects.count() == 1
    operator.post(gone, {"post": "yes"})
    assert not Document.objects.exists()
    assert not Chunk.objects.exists()


def test_a_page_sees_how_far_a_document_has_come_without_a_reload(operator: Client) -> None:
    text = "\n\n".join(f"# Part {number}\n\nThis is part {number}." for number in range(20))
    put_in(operator, "shop.md", text.encode())
    document = Document.objects.claim(Document.objects.get().pk, versions.LEASE)
    assert document is not None
    asked = reverse("admin:khronos_document_progress")
    assert asked in operator.get(reverse(LIST)).content.decode()
    assert "Waits to be read" in cell(operator, document)
    versions.renew(document, list(split(read("markdown", text.encode()))))
    half = Chunk.objects.filter(position__lt=10)
    half.update(code=b"1" * 64)
    assert 'max="20" value="10"' in cell(operator, document)
    operator.cookies["django_language"] = "pt-br"
    assert "10 de 20 trechos" in cell(operator, document)
    work.work_on(document)
    assert "progress" not in cell(operator, document)
    assert asked not in operator.get(reverse(LIST)).content.decode()


def test_who_may_not_see_documents_sees_no_progress_of_them(client: Client) -> None:
    client.force_login(make_user(is_superuser=False))
    assert client.get(reverse("admin:khronos_document_progress"), {"id": "1"}).status_code == 403


def cell(operator: Client, document: Document) -> str:
    found = operator.get(reverse("admin:khronos_document_progress"), {"id": [str(document.pk), "x", "9"]})
    (row,) = found.json().values()
    return str(row["standing"])
