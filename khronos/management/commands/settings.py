"""Every name that the environment or `.env` may set: what it means, its default, and whether it is set."""

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser
from pydantic_core import PydanticUndefined

from khronos.management.byhand import ByHand
from settings.dotenv import given
from settings.env import Environment


class Command(ByHand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("word", nargs="?", default="", help="only those with this word in them")
        parser.add_argument("--json", action="store_true")

    def handle(self, *, word: str, **options: Any) -> None:
        found = [row for row in rows() if word.lower() in f"{row['name']} {row['means']}".lower()]
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
            return
        for row in found:
            default = f" [{row['default']}]" if row["default"] else ""
            self.stdout.write(f"{'●' if row['is_set'] else ' '} {row['name']}{default}")
            if row["means"]:
                self.stdout.write(f"      {row['means']}")


def rows() -> Iterator[dict[str, Any]]:
    """Never a value: many are secret."""
    known = given()
    for name, field in Environment.model_fields.items():
        default = "" if field.default in (None, PydanticUndefined, {}) else str(field.default)
        upper = name.upper()
        yield {
            "name": upper,
            "means": field.description or "",
            "default": default,
            "is_set": upper in known,
        }
