"""A chunk is a piece of a document that is found as one: its words, and a vector of what it means."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from khronos.models.document import Document
from khronos.models.tenant import Tenant

UNSEEN = ""  # in place of a kind: of a version that is not yet, or no longer, found


class Chunk(models.Model):
    document = models.ForeignKey(Document, models.CASCADE, related_name="chunks", verbose_name=_("document"))
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+", verbose_name=_("tenant"))
    kind = models.CharField(_("kind"), max_length=10, choices=Document.Kind.choices)
    position = models.PositiveIntegerField(_("position"))
    heading = models.CharField(_("heading"), max_length=300, blank=True, default="")
    text = models.TextField(_("text"))
    digest = models.CharField(max_length=32, help_text="Of all that is embedded: the same keeps its vector.")
    words = models.TextField(help_text="Stems without accents, each behind a mark for whose it is.")
    vector = models.BinaryField(null=True, help_text="Float16, of length 1.")
    code = models.BinaryField(null=True, help_text="The vector's signs, a bit each.")
    model = models.CharField(_("embedded by"), max_length=100, blank=True, default="")

    class Meta:
        verbose_name = _("passage")
        verbose_name_plural = _("passages")
        # With all that is read of many at once, so that their rows need not be.
        indexes = [models.Index(fields=["tenant", "kind", "model", "code", "id"], name="chunk_codes")]

    def __str__(self) -> str:
        return f"{self.document_id}:{self.position}"


class Word(models.Model):
    """In how many chunks of a tenant a word stands: rare ones tell more, and unknown ones are mistakes."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    text = models.CharField(max_length=40)
    chunks = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "text"], name="a_word_is_counted_once")]

    def __str__(self) -> str:
        return self.text
