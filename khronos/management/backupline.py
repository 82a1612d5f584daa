"""What `backup` and `restore` write and read in a terminal: moments, sizes, a bar."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from khronos.backup.engine import Progress as Told

AGO = re.compile(r"(\d+)\s*(s|min|m|h|d)")
UNITS = {"s": "seconds", "min": "minutes", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> datetime:
    """`2026-11-21 18:00:05` by this machine's clock, with a zone in that one, or `30s`, `5min`, `2h` ago."""
    if found := AGO.fullmatch(text.strip()):
        at = datetime.now(UTC) - timedelta(**{UNITS[found[2]]: int(found[1])})
    else:
        try:
            at = datetime.fromisoformat(text.strip()).astimezone(UTC)
        except ValueError:
            raise CommandError(
                f"❌ {_('%(text)s is no time.') % {'text': text}}\n"
                f"  {_('Fix')}: --at '2026-11-21 18:00:05', --at 2026-11-21T18:00:05Z, --at 30s."
            ) from None
    if at > datetime.now(UTC):
        raise CommandError(
            f"❌ {_('%(at)s has not come yet.') % {'at': local(at)}}\n"
            f"  {_('Fix')}: {_('take an earlier moment, or --latest')}."
        )
    return at


def local(at: datetime) -> str:
    """By this machine's clock, and so that `--at` takes it."""
    here = at.astimezone()
    return f"{here:%Y-%m-%d %H:%M:%S}{here:%z}"


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f}" if size < 100e6 else f"{size / 1e6:.0f}"


@contextmanager
def progress_bar(console: Console, title: str) -> Iterator[Told]:
    """In a terminal alone; it leaves nothing behind."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=1.0)

        def show(part: float) -> None:
            """What follows a restore takes as long, and nobody knows how far it is."""
            bar.update(task, completed=part)
            if part >= 1.0:
                bar.update(task, description=_("Looking at every page and key"), total=None)

        yield show
