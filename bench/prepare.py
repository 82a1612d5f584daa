"""`python -m bench.inside bench.prepare`: make the database of a bare site, and its first rows."""

from django.core.management import call_command

from khronos.launch import residents
from khronos.launch.screen import Screen


def main() -> None:
    call_command("migrate", verbosity=0)
    residents.settle(Screen())
    print("{}")
