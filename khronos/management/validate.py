"""Is all well? One line a part; the exit code is 0 only when all of them are good."""

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from django.utils import translation
from django.utils.translation import gettext as _

from khronos.management.hands import language, takes_language
from khronos.observability.said import local

if TYPE_CHECKING:
    from khronos.management.validation.parts import Part
    from khronos.management.validation.scene import Scene
    from khronos.observability.health import Result

WIDTH = 10  # characters of the longest name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")
    takes_language(parser)


def run(options: argparse.Namespace) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.embedded")
    import django  # noqa: PLC0415 - manage.py asks before Django is there

    django.setup(set_prefix=False)
    logging.disable()  # the lines say it
    translation.activate(language(options.lang))
    from khronos.management.validation.scene import Scene  # noqa: PLC0415

    code = look(Scene.here(translation.get_language() or "en"), as_json=options.json)
    sys.stdout.flush()
    os._exit(code)  # a question that hangs would keep the process


def look(scene: "Scene", *, as_json: bool) -> int:
    began = time.monotonic()
    if not scene.is_running:
        say(absent(as_json))
        return 1
    seen = []
    for part, result in asked(scene):
        seen.append((part, result))
        if not as_json:
            say(line(part, result))
    is_well = all(result.ok for _each, result in seen)
    if as_json:
        say(json.dumps({"ok": is_well, "parts": [facts(part, result) for part, result in seen]}))
    else:
        say(verdict([part.name for part, result in seen if not result.ok], time.monotonic() - began))
    return 0 if is_well else 1


def asked(scene: "Scene") -> Iterator[tuple["Part", "Result"]]:
    """All at once, told in their order; the message at last, when nothing else keeps the machine busy."""
    from khronos.management.validation.parts import AT_ONCE, LAST  # noqa: PLC0415
    from khronos.observability.health import Check  # noqa: PLC0415

    for together in (AT_ONCE, (LAST,)):
        checks = [(part, Check(partial(spoken, part, scene), part.deadline_s)) for part in together]
        for _each, check in checks:
            check.start()
        began = time.monotonic()
        for part, check in checks:
            yield part, check.wait(began + part.deadline_s)


def spoken(part: "Part", scene: "Scene") -> str:
    """In a thread of its own, which has no language yet."""
    translation.activate(scene.language)
    return part.ask(scene)


def line(part: "Part", result: "Result") -> str:
    detail = " ".join(local(result.detail).split())
    if result.ok:
        return f"✅ {part.name:{WIDTH}}{detail}"
    return f"❌ {part.name:{WIDTH}}{detail.rstrip('.')}. {_('Fix')}: {translation.gettext(part.fix)}."


def facts(part: "Part", result: "Result") -> dict[str, object]:
    fix = {} if result.ok else {"fix": translation.gettext(part.fix)}
    return {
        "name": part.name,
        "ok": result.ok,
        "detail": local(result.detail),
        "took_ms": result.took_ms,
    } | fix


def absent(as_json: bool) -> str:
    if as_json:
        return json.dumps({"ok": False, "parts": [], "fix": "make up"})
    return f"❌ {_('Khronos is not running. `make up` starts it.')}"


def verdict(bad: list[str], took_s: float) -> str:
    if bad:
        return _("Not well: %(names)s (%(s)s s).") % {"names": ", ".join(bad), "s": f"{took_s:.1f}"}
    return _("All is well (%(s)s s).") % {"s": f"{took_s:.1f}"}


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
