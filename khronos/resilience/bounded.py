"""A PostgreSQL connection on which nobody waits for ever, though the server be frozen."""

from typing import Any

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool

from khronos.resilience.deadlines import left_s

LONGEST_S = 35.0  # without a deadline: a server that lives has ended the statement after 30 s
LEAST_S = 1.0  # however late it is: a server that lives answers, and a transaction can be undone
LOOK_EVERY_S = 0.1  # for a signal; psycopg's own default


class ReadOnly(psycopg.OperationalError):
    """A stand-by, or a server that an administrator holds: nobody's fault, and over some time.

    psycopg has it among the errors inside a server, which would be blamed on what was asked.
    """


def try_on(pool: ConnectionPool[Any]) -> None:
    """When it gives up: whoever began to wait a moment before would not be heard. It grows if it may."""
    pool.check()


class BoundedConnection(psycopg.Connection[Any]):
    def wait[R](self, gen: PQGen[R], interval: float = LOOK_EVERY_S, timeout: float | None = None) -> R:
        try:
            return super().wait(gen, interval, longest_s() if timeout is None else timeout)
        except psycopg.OperationalError:
            match self.pgconn.transaction_status:
                case TransactionStatus.ACTIVE:
                    # The answer may still come, and would be taken for that to the next question.
                    self.pgconn.finish()
                case TransactionStatus.UNKNOWN:
                    self.lost()
            raise
        except psycopg.errors.ReadOnlySqlTransaction as error:
            raise ReadOnly(str(error)) from error

    def lost(self) -> None:
        """Whoever ended this one has probably ended all.

        The pool would try them one after another, a second after the first, two after the second.
        """
        pool: ConnectionPool[Any] | None = getattr(self, "_pool", None)  # psycopg_pool's mark on what is out
        if pool is not None:
            pool.drain()


def longest_s() -> float:
    left = left_s()
    return LONGEST_S if left is None else max(LEAST_S, left)
