"""A small knowledge base of an imaginary shop, so that the first minute has something to ask about."""

from pathlib import Path

from khronos.knowledge import intake
from khronos.models import Document, Tenant

TITLES = {
    "aurora.en.md": ("Example: Aurora Outdoors", "en"),
    "aurora.pt.md": ("Exemplo: Aurora Outdoors", "pt"),
}


def put_in(tenant: Tenant) -> int:
    """Answers how many documents there are of it; they are read when the worker runs."""
    for name, (title, language) in TITLES.items():
        raw = (Path(__file__).parent / name).read_bytes()
        intake.add(tenant, name, raw, title=title, language=language, is_example=True)
    return len(TITLES)


def take_out(tenant: Tenant) -> int:
    documents = list(Document.objects.filter(tenant=tenant, is_example=True))
    for document in documents:
        intake.remove(document)
    return len(documents)
