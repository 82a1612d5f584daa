"""The timeline of a message in a terminal: a line a step, its time as a bar."""

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from rich.console import Console
from rich.table import Table
from rich.text import Text

from khronos.desk.lengths import after, took
from khronos.desk.why import Step, Story

SIGNS = {"answered": "✅", "needless": "➖", "waiting": "⏳", "never": "❌"}
COLOURS = {"success": "green", "warning": "yellow", "danger": "red", "info": "cyan", "": ""}
BAR, SAID = 16, 80  # characters
NARROW = 90  # columns: a terminal below it has no room for bars


def show(story: Story, console: Console) -> None:
    verdict = story.verdict
    colour = COLOURS[verdict.tone]
    console.print(Text(f"{SIGNS[verdict.outcome]} {verdict.text}", style=f"bold {colour}".strip()))
    for line in verdict.also:
        console.print(Text(f"   {line}"))
    if said := " ".join(story.said.split()):
        console.print(Text(f"   “{said if len(said) <= SAID else said[: SAID - 1] + '…'}”", style="italic"))
    console.print(Text(f"   {about(story)}", style="dim"))
    console.print()
    console.print(table(story, with_bars=console.is_terminal and console.width >= NARROW))


def about(story: Story) -> str:
    rows = story.rows
    names = [f"{noun}:{rows[noun]}" for noun in ("update", "message", "turn") if noun in rows]
    began = timezone.localtime(story.began)
    moment = f"{date_format(began, 'DATE_FORMAT')} {began:%H:%M:%S}"
    ids = [_("trace %(id)s") % {"id": story.trace_id or "–"}]
    if story.correlation_id:
        ids.append(_("correlation %(id)s") % {"id": story.correlation_id})
    return " · ".join([moment, *ids, *names])


def table(story: Story, *, with_bars: bool) -> Table:
    result = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    result.add_column(justify="right", no_wrap=True)
    result.add_column(justify="right", no_wrap=True)
    if with_bars:
        result.add_column(no_wrap=True)
    result.add_column(overflow="fold")
    for step in story.steps:
        colour = COLOURS[step.tone]
        cells = [Text(after(story.after_s(step))), Text(took(step.took_s), style="dim")]
        if with_bars:
            cells.append(Text(bar(story, step), style=colour or "blue"))
        result.add_row(*cells, Text(step.text, style=colour))
    return result


def bar(story: Story, step: Step) -> str:
    """At least a mark, where it was."""
    begins, length = story.bar(step)
    left = min(round(begins * BAR), BAR - 1)
    return " " * left + ("━" * max(round(length * BAR), 1) if step.took_s else "╵")[: BAR - left]
