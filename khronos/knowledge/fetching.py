"""Documents by address: of hosts that the settings name, and of no private network."""

from fnmatch import fnmatchcase
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from khronos.channels import egress
from khronos.channels.addresses import Target
from khronos.exceptions import Ambiguous, Permanent, Transient
from khronos.knowledge import intake
from khronos.models import Document, Tenant

TIMEOUT_S = 30.0
REDIRECTS = 3
FORMS = {
    "text/html": Document.Form.HTML,
    "application/xhtml+xml": Document.Form.HTML,
    "text/markdown": Document.Form.MARKDOWN,
    "text/plain": Document.Form.TEXT,
    "application/pdf": Document.Form.PDF,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": Document.Form.DOCX,
}


def is_address(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


def fetch(tenant: Tenant, url: str) -> Document:
    """As `intake.add`, of what an address answers now. Raises Permanent, Transient."""
    if "@" in urlsplit(url).netloc:  # it is shown wherever the document is cited
        raise Permanent(_("An address with a password in it is not taken."))
    try:
        answer = egress.call(
            "GET",
            url,
            [("User-Agent", "Khronos"), ("Accept", ", ".join(FORMS))],
            timeout_s=TIMEOUT_S,
            most_bytes=settings.KNOWLEDGE_FILE_MAX_BYTES,
            redirects=REDIRECTS,
            allowed=settings.KNOWLEDGE_PRIVATE_NETWORKS,
            admits=is_listed,
        )
    except Ambiguous as error:  # to read twice does no harm
        raise Transient(str(error)) from None
    if answer.status != 200:
        raise Permanent(_("The address answers %(status)s.") % {"status": answer.status})
    return intake.add(tenant, url[:500], answer.body, title=name_of(url), form=form_of(answer))


def is_listed(target: Target) -> bool:
    return any(fnmatchcase(target.host.lower(), host) for host in settings.KNOWLEDGE_URLS)


def form_of(answer: egress.Answer) -> Document.Form:
    kind = answer.content_type.partition(";")[0].strip().lower()
    if kind not in FORMS:
        raise Permanent(_("The address answers what cannot be read: %(kind)s.") % {"kind": kind or "?"})
    return FORMS[kind]


def name_of(url: str) -> str:
    parts = urlsplit(url)
    return unquote(parts.path.rstrip("/").rpartition("/")[2] or parts.netloc)[:200]
