"""The limits that a real PostgreSQL was told (settings/databases.py)."""

import pytest
from django.db import OperationalError, connection, transaction

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="python -m tests.postgresql runs it"),
]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("statement_timeout", "30s"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("synchronous_commit", "on"),
    ],
)
def test_server_knows_our_limits(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        assert cursor.fetchone() == (value,)


def test_statement_that_takes_too_long_is_ended_and_the_connection_lives() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '50ms'")
        with pytest.raises(OperationalError, match="statement timeout"), transaction.atomic():
            cursor.execute("SELECT pg_sleep(30)")
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
