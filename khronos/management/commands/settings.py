"""Every name that the environment or `.env` may set: what it means, its default, and whether it is set."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Literal, get_args, get_origin

from django.core.management.base import CommandParser
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from khronos.management.byhand import ByHand
from settings.dotenv import given
from settings.env import Environment

PAGE = """# Every setting

Made by `python manage.py settings --markdown`, from the settings themselves. Each is a name in the
environment or in `.env`; `manage.py settings` marks those that are set, and `manage.py settings WORD` shows
those that speak of it. Others read what is theirs: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
`AWS_ENDPOINT_URL` ([backup](backup.md)), `OTEL_EXPORTER_OTLP_ENDPOINT` and its like ([logs](logs.md)).
"""
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


class Command(ByHand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("word", nargs="?", default="", help="only those with this word in them")
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--markdown", action="store_true", help="as docs/configuration.md shows them")

    def handle(self, *, word: str, **options: Any) -> None:
        told = ("group", "name", "means")
        found = [row for row in rows() if word.lower() in " ".join(row[key] for key in told).lower()]
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
        elif options["markdown"]:
            self.stdout.write(page(found), ending="")
        else:
            self.show(found)

    def show(self, found: Sequence[dict[str, Any]]) -> None:
        for group, members in groupby(found, lambda row: row["group"]):
            self.stdout.write(self.style.MIGRATE_HEADING(f"── {group}"))
            for row in members:
                default = f" [{row['default']}]" if row["default"] else ""
                self.stdout.write(f"{'●' if row['is_set'] else ' '} {row['name']}{default}")
                self.stdout.write(f"      {row['means']}")


def page(found: Sequence[dict[str, Any]]) -> str:
    parts = [PAGE]
    for group, members in groupby(found, lambda row: row["group"]):
        parts += [f"\n## {group}\n\n| name | default | allowed | what it is |\n|---|---|---|---|\n"]
        for row in members:
            default = f"`{row['default']}`" if row["default"] else ""
            parts += [f"| `{row['name']}` | {default} | {row['allowed']} | {row['means']} |\n"]
    return "".join(parts)


def rows() -> Iterator[dict[str, Any]]:
    """Never a value: many are secret."""
    known = given()
    groups: Sequence[type[BaseModel]] = Environment.__bases__
    for group in groups:
        for name, field in group.model_fields.items():
            default = "" if field.default in (None, PydanticUndefined, {}, []) else str(field.default)
            yield {
                "group": group.__doc__,
                "name": name.upper(),
                "means": field.description,
                "default": default,
                "allowed": allowed(field),
                "is_set": name.upper() in known,
            }


def allowed(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{each}`" for each in get_args(field.annotation))
    if field.annotation is bool:
        return "`0`, `1`"
    bounds = ((SIGNS[name], getattr(rule, name, None)) for rule in field.metadata for name in SIGNS)
    return ", ".join(f"{sign} {bound}" for sign, bound in bounds if bound is not None)
