"""What a test committed is taken away again: from the tables that it wrote to, not from all of them."""

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.test import TransactionTestCase

# Of the models, not of a test. Django's own flush takes them too, and makes them anew each time.
KEPT = {"django_content_type", "auth_permission"}


def empty() -> None:
    """References are looked at when the transaction ends: the order of the tables does not matter."""
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT
    names = {table: connection.ops.quote_name(table) for table in sorted(tables)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"EXISTS(SELECT 1 FROM {name})" for name in names.values()))
        written = zip(names.values(), cursor.fetchone(), strict=True)
        for name in (name for name, has_rows in written if has_rows):
            cursor.execute(f"DELETE FROM {name}")


@pytest.fixture(scope="session", autouse=True)
def only_what_was_written_is_emptied() -> Iterator[None]:
    """Django would empty some fifty tables and write down all permissions, after each test that commits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: empty())
        yield
