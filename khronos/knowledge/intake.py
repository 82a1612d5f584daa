"""Documents come and go: what was given is a row at once, and is read when there is time."""

from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from khronos.bus import doorbell
from khronos.bus.routes import EMBED_TASK
from khronos.exceptions import Permanent
from khronos.knowledge import counting
from khronos.knowledge.scope import changed
from khronos.models import DeadLetter, Document, Tenant
from khronos.models.deadletter import close

FORMS = {
    ".txt": Document.Form.TEXT,
    ".md": Document.Form.MARKDOWN,
    ".markdown": Document.Form.MARKDOWN,
    ".html": Document.Form.HTML,
    ".htm": Document.Form.HTML,
    ".pdf": Document.Form.PDF,
    ".docx": Document.Form.DOCX,
}


def add(
    tenant: Tenant, name: str, raw: bytes, *, kind: str = Document.Kind.KNOWLEDGE, **facts: Any
) -> Document:
    """The same name again is a new version; the same bytes again change nothing. Raises Permanent."""
    form = facts.pop("form", "") or form_of(name)
    if len(raw) > settings.KNOWLEDGE_FILE_MAX_BYTES:
        raise Permanent(too_large(len(raw)))
    if not raw.strip():
        raise Permanent(_("It is empty."))
    known = {"title": name, "form": form, "size": len(raw), "sha256": sha256(raw).hexdigest()} | facts
    which: dict[str, Any] = {"tenant": tenant, "kind": kind, "source": name}
    with transaction.atomic():
        row, made = Document.objects.filter(**which).defer("raw").first(), False
        if row is None:  # at this moment: where somebody is quicker, ours is a new version of his
            row, made = Document.objects.get_or_create(**which, defaults={"raw": raw, **known})
        if made:
            return row
        if row.sha256 != known["sha256"] or row.state == Document.State.FAILED:
            begin_anew(row, raw=raw, **known)
    return row


def add_file(tenant: Tenant, file: Path) -> Document:
    """As `add`, of what lies on the disk. Raises Permanent, OSError."""
    form_of(file.name)
    if (size := file.stat().st_size) > settings.KNOWLEDGE_FILE_MAX_BYTES:
        raise Permanent(too_large(size))
    return add(tenant, str(file.resolve()), file.read_bytes(), title=file.stem[:200])


def add_stream(tenant: Tenant, name: str, file: IO[bytes], size: int) -> Document:
    """As `add`, of what comes through the web; what is too large is not even loaded."""
    form_of(name)
    if size > settings.KNOWLEDGE_FILE_MAX_BYTES:
        raise Permanent(too_large(size))
    return add(tenant, name[:500], file.read(), title=name.rpartition(".")[0][:200])


def too_large(size: int) -> str:
    most = settings.KNOWLEDGE_FILE_MAX_BYTES
    return _("It has %(size)s MB; at most %(most)s MB are read.") % {
        "size": f"{size / 1024**2:,.0f}",
        "most": f"{most / 1024**2:,.0f}",
    }


def try_again(document: Document) -> bool:
    """What failed, from where it ended; False where it did not."""
    with transaction.atomic():
        failed = Document.objects.filter(pk=document.pk, state=Document.State.FAILED).exists()
        if failed:
            begin_anew(document)
    return failed


def begin_anew(document: Document, **facts: Any) -> None:
    """The fence tells whoever reads the version before that nobody wants it any more."""
    changes = {"state": Document.State.WAITING, "reason": "", "attempts": 0, "deferrals": 0, "rung_at": None}
    Document.objects.filter(pk=document.pk).update(due_at=Now(), fence=F("fence") + 1, **changes, **facts)
    close(DeadLetter.Source.DOCUMENT, document.pk)
    document.refresh_from_db()


def can_be_read(name: str) -> bool:
    return ending_of(name) in FORMS


def form_of(name: str) -> Document.Form:
    if not can_be_read(name):
        endings = ", ".join(sorted(FORMS))
        raise Permanent(
            _("This is no kind of file that can be read; there are %(endings)s.") % {"endings": endings}
        )
    return FORMS[ending_of(name)]


def ending_of(name: str) -> str:
    return "." + name.lower().rpartition(".")[2]


def ring(document: Document) -> None:
    doorbell.ring(EMBED_TASK, [document.pk])


def remove(document: Document) -> None:
    """Its chunks and vectors go with it, at once."""
    with transaction.atomic():
        counting.forget(document)
        close(DeadLetter.Source.DOCUMENT, document.pk)
        document.delete()
    changed(document.tenant_id)
