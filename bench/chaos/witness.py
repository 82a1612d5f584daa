"""A witness inside the database: triggers that note each write to work that nobody was entitled to make.

Work is written by who holds its lease, and taken only when no lease runs (khronos/models/work.py). What a
row says afterwards cannot tell who wrote it; the moment of the write can.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import connection, transaction

TABLE = "chaos_witness"
NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now')"  # in the form of `due_at`


@dataclass(frozen=True, slots=True)
class Work:
    """A table of work: the state of a row that is held, and that of one that nobody has taken yet."""

    noun: str
    held: str
    fresh: str
    ended_at: str

    @property
    def changed(self) -> str:
        """More than a ring of the doorbell, which may come late."""
        names = ("state", "due_at", "fence", "attempts", "reason", self.ended_at)
        return " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in names)


TURN = Work("turn", held="working", fresh="waiting", ended_at="answered_at")
DELIVERY = Work("delivery", held="sending", fresh="pending", ended_at="sent_at")


def rules(work: Work) -> dict[str, str]:
    """What must never be true of an UPDATE, by what it means."""
    return {
        "settled, and written again": f"OLD.due_at IS NULL AND ({work.changed})",
        "its fence went back or jumped": "NEW.fence NOT IN (OLD.fence, OLD.fence + 1)",
        "taken while somebody's lease ran": f"NEW.fence > OLD.fence AND OLD.due_at > {NOW}",
        "taken without a new fence": (
            f"NEW.state = '{work.held}' AND OLD.state != '{work.held}' AND NEW.fence = OLD.fence"
        ),
        "settled while nobody held it": f"NEW.due_at IS NULL AND OLD.state = '{work.fresh}'",
    }


def statements() -> Iterator[str]:
    yield (
        f"CREATE TABLE {TABLE} (id integer PRIMARY KEY, noun text, row_id integer, rule text,"
        f" old_state text, new_state text, old_fence integer, new_fence integer, at text DEFAULT ({NOW}))"
    )
    for work in (TURN, DELIVERY):
        for number, (rule, condition) in enumerate(rules(work).items()):
            said = rule.replace("'", "''")
            yield (
                f"CREATE TRIGGER chaos_{work.noun}_{number} AFTER UPDATE ON khronos_{work.noun}"
                f" WHEN {condition} BEGIN"
                f" INSERT INTO {TABLE} (noun, row_id, rule, old_state, new_state, old_fence, new_fence)"
                f" VALUES ('{work.noun}', OLD.id, '{said}', OLD.state, NEW.state, OLD.fence, NEW.fence);"
                " END"
            )


def install(execute: Callable[[str], object]) -> None:
    for statement in statements():
        execute(statement)


def main() -> None:
    """`python -m bench.inside bench.chaos.witness`: with the instance's own library and settings."""
    with transaction.atomic(), connection.cursor() as cursor:
        install(cursor.execute)
