"""Documents: put in as files or addresses, seen with what became of them, tried again, removed."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget

from khronos.desk.admin import columns, progress
from khronos.desk.admin.base import KhronosAdmin
from khronos.desk.admin.mixins import Aged
from khronos.exceptions import Failure
from khronos.knowledge import fetching, intake
from khronos.models import Document, Tenant

if TYPE_CHECKING:
    Form = forms.ModelForm[Document]
else:
    Form = forms.ModelForm


class DocumentForm(Form):
    """A file or an address; what is wrong with it is said before anything is kept."""

    file = forms.FileField(
        label=_("File"),
        required=False,
        widget=UnfoldAdminFileFieldWidget(
            attrs={
                "data-sending": _("Sending the file:"),
                "data-keeping": _("It is being kept …"),
                "data-failed": _("The server cannot be reached. Nothing was kept; send it again."),
            }
        ),
        help_text=_("Text, Markdown, HTML, PDF or DOCX."),
    )

    class Meta:
        model = Document
        fields = ("tenant", "source")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "source" in self.fields:
            self.fields["source"].required = False
            self.fields["source"].label = gettext("Or an address")
            self.fields["source"].help_text = gettext("https://… of a host that KNOWLEDGE_URLS names.")

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        file, address = values.get("file"), values.get("source", "")
        if not self.errors and bool(file) == bool(address):
            raise forms.ValidationError(_("Choose a file, or write an address."))
        if not self.errors:
            try:
                self.instance = taken(values["tenant"], file, address)
            except Failure as error:
                raise forms.ValidationError(str(error)) from None
        return values

    def _post_clean(self) -> None:
        """The row was made by whoever takes documents in; there is nothing to fill into it."""


def taken(tenant: Any, file: "UploadedFile[Any] | None", address: str) -> Document:
    if file is None:
        return fetching.fetch(tenant, address)
    name = file.name or ""
    return intake.add_stream(tenant, name, file, file.size or 0)


@admin.register(Document)
class DocumentAdmin(Aged, KhronosAdmin[Document]):
    form = DocumentForm
    list_display = (
        "title",
        "standing",
        "kind",
        "pieces",
        "beginning",
        "kilobytes",
        "language",
        "tenant",
        "since",
    )
    list_filter = ("state", "kind", "form", "is_example", "tenant")
    list_select_related = ("tenant",)
    search_fields = ("title", "source")
    ordering = ("-pk",)
    actions = ("try_again",)
    readonly_fields = (
        "title", "standing", "beginning", "source", "kind", "form", "language", "pieces", "kilobytes",
        "sha256", "model", "is_example", "created_at", "read_at",
    )  # fmt: skip

    class Media:
        js = ("desk/documents.js",)

    def get_urls(self) -> list[URLPattern]:
        seen = self.admin_site.admin_view(progress.view)
        return [path("progress/", seen, name="khronos_document_progress"), *super().get_urls()]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Where there is one tenant, nobody has to choose."""
        tenants = list(Tenant.objects.values_list("pk", flat=True)[:2])
        return {"tenant": tenants[0]} if len(tenants) == 1 else {}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        return super().get_queryset(request).defer("raw").annotate(count=Count("chunks"))

    def get_fields(self, request: HttpRequest, obj: Document | None = None) -> Any:
        return ("tenant", "file", "source") if obj is None else ("tenant", *self.readonly_fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Document | None = None) -> Any:
        return () if obj is None else ("tenant", *self.readonly_fields)

    @admin.display(description=_("state"), ordering="state")
    def standing(self, row: Document) -> str:
        return progress.cell(row)

    @admin.display(description=_("passages"), ordering="count")
    def pieces(self, row: Document) -> str:
        return format_html('<span data-pieces="{}">{}</span>', row.pk, progress.pieces(row))

    @admin.display(description=_("reason"))
    def beginning(self, row: Document) -> str:
        return columns.line(row.why, 200)

    @admin.display(description="kB", ordering="size")
    def kilobytes(self, row: Document) -> str:
        return f"{row.size / 1e3:,.1f}"

    @admin.action(description=_("Read again what failed"), permissions=["repair"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        self.repair(request, queryset, again, gettext("Read again"))

    def offers(self, row: Document) -> Iterable[str]:
        return ["try_again"] if row.state == Document.State.FAILED else []

    def save_model(self, request: HttpRequest, obj: Document, form: Any, change: bool) -> None:
        """It is kept already; a worker that is told now reads it at once."""
        transaction.on_commit(partial(intake.ring, obj))

    def response_add(
        self, request: HttpRequest, obj: Document, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Whoever shows the progress of an upload goes on by himself."""
        response = super().response_add(request, obj, post_url_continue)
        if "X-Next" in request.headers and "Location" in response:
            return HttpResponse(headers={"X-Next": response["Location"]})
        return response

    def delete_model(self, request: HttpRequest, obj: Document) -> None:
        intake.remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        for document in queryset:
            intake.remove(document)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Passages are counted, not listed: there may be thousands, and nobody may look at one by itself."""
        counts = [(row, row.chunks.count()) for row in objs]
        lines = [
            f"{row}: " + ngettext("%(n)s passage", "%(n)s passages", count) % {"n": count}
            for row, count in counts
        ]
        return lines, {gettext("passages"): sum(count for _row, count in counts)}, set(), []


def again(document: Document) -> bool:
    done = intake.try_again(document)
    if done:
        transaction.on_commit(partial(intake.ring, document))
    return done
