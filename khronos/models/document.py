"""A document that answers are found in: work, until all of it is read and embedded (docs/knowledge.md)."""

from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Exists
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from khronos.models.pause import Pause
from khronos.models.tenant import Tenant
from khronos.models.work import Work, WorkQuerySet


class DocumentQuerySet(WorkQuerySet["Document"]):
    def due(self) -> "DocumentQuerySet":
        return super().due().exclude(Exists(Pause.objects.filter(queue=Pause.Queue.EMBEDDINGS)))

    def by_urgency(self) -> "DocumentQuerySet":
        """Somebody may wait for a message or an item; nobody waits for a library."""
        kinds = [Document.Kind.MESSAGE, Document.Kind.CATALOG, Document.Kind.KNOWLEDGE]
        ranks = [models.When(kind=kind, then=rank) for rank, kind in enumerate(kinds)]
        return self.order_by(models.Case(*ranks, default=len(kinds)), "due_at")

    def at_work(self) -> "DocumentQuerySet":
        """Somebody holds a lease on them."""
        return self.filter(state=Document.State.WORKING, due_at__gt=Now())

    def claim(self, pk: int, lease: timedelta, *related: str, **changes: Any) -> "Document | None":
        return super().claim(pk, lease, *related, state=Document.State.WORKING, **changes)


class Document(Work):
    class Kind(models.TextChoices):
        KNOWLEDGE = "knowledge", _("knowledge")
        MESSAGE = "message", _("message")
        CATALOG = "catalog", _("catalogue")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        WORKING = "working", _("being read")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")

    class Form(models.TextChoices):
        TEXT = "text", _("text")
        MARKDOWN = "markdown", "Markdown"
        HTML = "html", "HTML"
        PDF = "pdf", "PDF"
        DOCX = "docx", "DOCX"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="documents", verbose_name=_("tenant"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.KNOWLEDGE)
    title = models.CharField(_("title"), max_length=200)
    source = models.CharField(_("source"), max_length=500, help_text=_("The file's name, or an address."))
    form = models.CharField(_("format"), max_length=10, choices=Form.choices, default=Form.TEXT)
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    sha256 = models.CharField("SHA-256", max_length=64, blank=True, default="")
    size = models.PositiveBigIntegerField(_("size (bytes)"), default=0)
    raw = models.BinaryField(null=True, help_text="Until it is read.")
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    model = models.CharField(_("embedded by"), max_length=100, blank=True, default="")
    is_example = models.BooleanField(_("example"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "source"], name="a_source_is_one_document")
        ]
        indexes = [
            models.Index(fields=["due_at"], name="document_due", condition=models.Q(due_at__isnull=False))
        ]

    def __str__(self) -> str:
        return self.title
