"""What became of one message, step by step, and why it is not answered if it is not."""

import argparse
import json
from typing import Any

from django.core.management.base import CommandError

from khronos.desk.why import Unknown, explain
from khronos.management.byhand import ByHand
from khronos.management.hands import takes_language
from khronos.management.screen import screen
from khronos.management.whyline import show

WIDE = 110  # characters, where nobody knows how wide it is


class Command(ByHand):
    help = __doc__ or ""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "what",
            nargs="+",
            help="last, a trace id, a message's number, turn 12, delivery 12, update 12, chat/message, "
            "an update's key, a conversation's id",
        )
        parser.add_argument("--json", action="store_true", help="for programs")
        takes_language(parser)

    def handle(self, *, what: list[str], **options: Any) -> None:
        try:
            story = explain(":".join(what))
        except Unknown as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(story.as_json(), ensure_ascii=False))
            return
        console = screen(self.stdout, soft_wrap=False)
        if not console.is_terminal:
            console.width = max(console.width, WIDE)
        show(story, console)
