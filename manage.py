#!/usr/bin/env python
"""Django's command line."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

OUR_PYTHON = Path(__file__).resolve().parent / ".venv/bin/python"


def main() -> None:
    if find_spec("django") is None:
        go_home()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.embedded")
    from khronos.exceptions import Misconfigured

    try:
        from khronos.launch import quick

        if (code := quick.run(sys.argv[1:])) is not None:
            sys.exit(code)
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
    except Misconfigured as error:
        sys.exit(f"❌ {error}")


def go_home() -> None:
    """Whoever types `python` may mean another one than that which has all we need."""
    if Path(sys.prefix) == OUR_PYTHON.parent.parent or not OUR_PYTHON.exists():
        sys.exit("❌ Khronos is not installed yet: `make up` installs and starts it.")
    os.execv(OUR_PYTHON, [str(OUR_PYTHON), *sys.argv])  # noqa: S606


if __name__ == "__main__":
    main()
