"""`manage.py chat`: talk to the running Khronos from a terminal, as a visitor of the chat page."""

import contextlib
import locale
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.markdown import Markdown

from khronos.launch.probes import address
from khronos.management.chatline import Chatline, Line, NoConversation
from settings import dotenv

NAMES = {"bot": "Assistant", "operator": "Operator", "system": "Khronos"}


class Command(BaseCommand):
    help = "Talk to the running Khronos, like a visitor of its chat page."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", metavar="TEXT", help="say this, print the answer, exit")
        parser.add_argument("--url", default=address(dotenv.merged()), help="of the instance (%(default)s)")
        parser.add_argument("--timeout", type=float, default=60.0, help="seconds to wait (%(default)s)")

    def handle(self, **options: Any) -> None:
        chat = Chatline(options["url"], (locale.getlocale()[0] or "en").replace("_", "-"))
        try:
            chat.news()
            if options["once"] is not None:
                once(chat, options["once"], options["timeout"])
            else:
                talk(chat, options["timeout"])
        except NoConversation as error:
            raise CommandError(str(error)) from None


def once(chat: Chatline, text: str, timeout_s: float) -> None:
    """The answer alone on standard output, Markdown as it is where that is no terminal."""
    until = time.monotonic() + timeout_s
    chat.say(text, until)
    said = {line.id: line for line in chat.answers(until)}
    console = Console(soft_wrap=True, highlight=False)
    for line in said.values():
        if console.is_terminal:
            console.print(Markdown(line.text))
        else:
            console.print(line.text, markup=False)


def talk(chat: Chatline, timeout_s: float) -> None:
    console = Console(highlight=False)
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401, PLC0415 - arrow keys in input()
    console.print("[dim]Enter alone looks for news, Ctrl-D ends.[/dim]")
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            text = console.input("[bold green]you ›[/] ").strip()
            try:
                exchange(chat, text, console, time.monotonic() + timeout_s)
            except NoConversation as error:
                console.print(f"⚠ {error}", style="yellow", markup=False)


def exchange(chat: Chatline, text: str, console: Console, until: float) -> None:
    if not text:
        show(chat.news(), console)
        return
    with console.status("sending"):
        chat.say(text, until)
    lines = chat.answers(until)
    while True:
        with console.status("thinking"):
            line = next(lines, None)
        if line is None:
            return
        show([line], console)


def show(lines: list[Line], console: Console) -> None:
    for line in lines:
        console.print(f"{NAMES.get(line.author, line.author)} ›", style="bold blue", markup=False)
        console.print(Markdown(line.text))
