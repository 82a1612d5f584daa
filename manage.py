#!/usr/bin/env python
"""Django's command line."""

import os
import sys


def main() -> None:
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


if __name__ == "__main__":
    main()
