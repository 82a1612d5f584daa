"""`python manage.py`, whichever Python that is, and before anything was made."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

BARE = (str(sys._base_executable), "-S")  # type: ignore[attr-defined]  # it has nothing but its own library


def told(folder: Path, *words: str, home: Path) -> tuple[int, str, str]:
    environ = {"PATH": os.defpath, "KHRONOS_HOME": str(home), "LANG": "C.UTF-8"}
    done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_any_python_finds_the_one_that_has_what_is_needed(tmp_path: Path) -> None:
    assert told(settings.BASE_DIR, *BARE, "manage.py", "ps", "--json", home=tmp_path) == (0, "[]\n", "")


def test_before_anything_is_installed_one_line_says_how(tmp_path: Path) -> None:
    shutil.copy(settings.BASE_DIR / "manage.py", tmp_path)
    code, said, complaint = told(tmp_path, *BARE, "manage.py", "ps", home=tmp_path)
    assert (code, said, complaint.count("\n")) == (1, "", 1), complaint
    assert "`make up` installs and starts it." in complaint


@pytest.mark.parametrize("deed", ["why last", "breaker list", "backup verify"])
def test_a_database_that_is_not_there_is_a_line_with_its_fix(tmp_path: Path, deed: str) -> None:
    words = ("env", "DJANGO_SETTINGS_MODULE=settings.embedded", sys.executable, "manage.py", *deed.split())
    code, said, complaint = told(settings.BASE_DIR, *words, home=tmp_path / "none")
    assert (code, said, complaint.count("\n")) == (1, "", 1), complaint
    assert "The database cannot be asked" in complaint
    assert "`make up` makes it" in complaint
    assert not (tmp_path / "none").exists()


def test_each_wrong_setting_is_a_line_with_its_fix(tmp_path: Path) -> None:
    words = ("env", "LOG_LEVEL=LOUD", "MAX_MEMORY_MB=many", sys.executable, "manage.py", "why", "last")
    code, said, complaint = told(settings.BASE_DIR, *words, home=tmp_path)
    lines = complaint.splitlines()
    assert (code, said, len(lines)) == (1, "", 4), complaint
    assert {line.split()[1] for line in lines[::2] if line.startswith("❌ ")} == {
        "LOG_LEVEL",
        "MAX_MEMORY_MB",
    }
    assert all(line.startswith("  Fix: correct ") for line in lines[1::2])
