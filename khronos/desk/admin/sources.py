"""Where an answer is from: the passages that it cited, and those that it was given and did not."""

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from khronos.desk.admin import columns
from khronos.models import Document, Message


def listed(row: Message) -> SafeString | str:
    """The words that stood in a document then; it may say something else by now, or be gone."""
    if row.sources is None:
        return columns.NONE
    if not row.sources:
        return _("Nothing in the documents fits.")
    there = Document.objects.only("pk").in_bulk([each["document"] for each in row.sources])
    lines = (
        (number, titled(each["title"], each["document"] if each["document"] in there else None), marked(each))
        for number, each in enumerate(row.sources, 1)
    )
    return format_html("<div>{}</div>", format_html_join("", "<div>[{}] {} {}</div>", lines))


def titled(title: str, document: int | None) -> SafeString | str:
    return columns.link(Document, document, title) if document else title


def marked(source: dict[str, object]) -> SafeString:
    return columns.badge(_("cited"), "success") if source["cited"] else columns.badge(_("given"))


def cited(row: Message) -> str:
    """In one line."""
    return "; ".join(dict.fromkeys(each["title"] for each in row.sources or () if each["cited"]))
