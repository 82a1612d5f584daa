"""Files that are too large, broken or hostile: each is refused with a reason, and none delays the others."""

import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from khronos.exceptions import Permanent
from khronos.knowledge import intake, readers, versions, work
from khronos.models import DeadLetter, Document
from tests.factories import make_tenant
from tests.unit.test_knowledge_reading import bomb, docx, pdf

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]


def test_300_mb_are_refused_by_their_size_before_they_are_loaded(tmp_path: Path) -> None:
    large = tmp_path / "large.pdf"
    with large.open("wb") as file:
        file.truncate(300 * 1024**2)
    tenant = make_tenant()
    tracemalloc.start()
    with pytest.raises(Permanent, match="It has 300 MB; at most 25 MB are read"):
        intake.add_file(tenant, large)
    with large.open("rb") as file, pytest.raises(Permanent, match="It has 300 MB"):
        intake.add_stream(tenant, "large.pdf", file, 300 * 1024**2)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1024**2
    assert not Document.objects.exists()


def test_one_good_file_among_bad_ones_is_read_and_each_bad_one_says_why() -> None:
    tenant = make_tenant()
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    bad = {
        "locked.pdf": (pdf("secret", password="pass"), "It is encrypted"),
        "half.pdf": (pdf("whole")[:300], "It is damaged"),
        "bomb.docx": (bomb(), "Unpacked it would be larger"),
        "nothing.docx": (empty.getvalue(), "It is damaged"),
        "page.pdf": (docx(("", "A Word file under another name")), "It is damaged"),
        "bytes.txt": (bytes(range(256)) * 40, "no text"),
        "scripts.html": (b"<script>alert(1)</script><style>p{}</style>", "There is no text in it"),
    }
    for name, (raw, _) in bad.items():
        intake.add(tenant, name, raw)
    good = intake.add(tenant, "good.html", "<p>Nós abrimos às nove.</p>".encode("cp1252"))
    assert readers.read_all() == len(bad) + 1
    good.refresh_from_db()
    assert (good.state, good.chunks.get().text) == (Document.State.READY, "Nós abrimos às nove.")
    for name, (_, reason) in bad.items():
        document = Document.objects.get(source=name)
        assert (document.state, document.attempts) == (Document.State.FAILED, 1)
        assert reason in document.reason
    assert DeadLetter.objects.filter(source="document", replayed_at=None).count() == len(bad)
    assert readers.read_all() == 0


def test_a_bad_version_that_a_better_one_has_replaced_meanwhile_fails_nothing() -> None:
    tenant = make_tenant()
    intake.add(tenant, "hours.txt", bytes(range(256)) * 40)
    bad = Document.objects.claim(Document.objects.get().pk, versions.LEASE)
    assert bad is not None
    intake.add(tenant, "hours.txt", b"We open at nine.")
    work.work_on(bad)
    assert (Document.objects.get().state, DeadLetter.objects.count()) == (Document.State.WAITING, 0)
    readers.read_all()
    assert Document.objects.get().state == Document.State.READY
