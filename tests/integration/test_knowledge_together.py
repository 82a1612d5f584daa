"""Two give the same document at the same moment."""

import threading

import pytest
from django.db import connections, transaction

from khronos.knowledge import intake
from khronos.models import Document, Tenant
from tests.factories import make_tenant

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("bus")]


def test_it_is_one_document_with_what_came_last() -> None:
    tenant = make_tenant()
    written, done = threading.Event(), threading.Event()

    def first(of: Tenant) -> None:
        with transaction.atomic():
            intake.add(of, "prices.md", b"# Prices\n\nTen.")
            written.set()
            done.wait(0.5)  # the other waits for our commit, or comes after it: both must end well
        connections.close_all()

    quicker = threading.Thread(target=first, args=[tenant])
    quicker.start()
    assert written.wait(10)
    row = intake.add(tenant, "prices.md", b"# Prices\n\nTwelve.")
    done.set()
    quicker.join()
    document = Document.objects.get()
    assert (document.pk, bytes(document.raw or b"")) == (row.pk, b"# Prices\n\nTwelve.")
    assert (document.state, document.fence) == (Document.State.WAITING, 1)
