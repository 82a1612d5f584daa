"""Commands that must not wait for Django, or for one that is whole: manage.py asks here first."""

import argparse
from collections.abc import Callable
from importlib import import_module

COMMANDS = {
    "up": "khronos.launch.up",
    "down": "khronos.launch.down",
    "ps": "khronos.launch.ps",
    "validate": "khronos.management.validate",
}


def run(arguments: list[str]) -> int | None:
    """The exit code, or None where the command is Django's."""
    if not arguments or arguments[0] not in COMMANDS:
        return None
    module = import_module(COMMANDS[arguments[0]])
    parser = argparse.ArgumentParser(prog=f"manage.py {arguments[0]}", description=module.__doc__)
    module.add_arguments(parser)
    command: Callable[[argparse.Namespace], int] = module.run
    try:
        return command(parser.parse_args(arguments[1:]))
    except KeyboardInterrupt:
        return 130
