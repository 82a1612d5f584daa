"""The bar of a restore: in a terminal alone, and it says what follows."""

import io

from rich.console import Console

from khronos.management.backupline import progress_bar


def shown(*parts: float, in_terminal: bool) -> str:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=in_terminal, width=90)
    with progress_bar(console, "Restoring") as progress:
        for part in parts:
            progress(part)
    return screen.getvalue()


def test_bar_shows_how_far_a_restore_is() -> None:
    said = shown(0.5, in_terminal=True)
    assert "Restoring" in said
    assert " 50%" in said
    assert "Looking" not in said


def test_bar_says_when_all_is_restored_and_pages_are_looked_at() -> None:
    assert "Looking at every page and key" in shown(0.5, 1.0, in_terminal=True)


def test_nothing_of_it_is_in_a_file() -> None:
    assert shown(0.5, 1.0, in_terminal=False) == ""
