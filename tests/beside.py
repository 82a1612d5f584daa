"""The files of docs/ that are laid beside Khronos, as they stand there."""

import re
from pathlib import Path

from settings.extensions import SORTS, Extension

DOCS = Path(__file__).parent.parent / "docs"
FILE = re.compile(r"`KHRONOS_HOME/extensions/(\w+)/(\w+)\.py`.*?\n```python\n(.*?)\n```\n", re.DOTALL)

type Found = dict[str, dict[str, Extension]]


def documented() -> dict[tuple[str, str], str]:
    found = [
        match.groups() for page in sorted(DOCS.glob("*.md")) for match in FILE.finditer(page.read_text())
    ]
    return {(sort, name): code + "\n" for sort, name, code in found}


def laid(home: Path, *wanted: str) -> Found:
    """As files of this KHRONOS_HOME; without a name all of them."""
    found: Found = {sort: {} for sort in SORTS}
    for (sort, name), code in documented().items():
        if not wanted or name in wanted:
            found[sort][name] = put(home, sort, name, code)
    return found


def put(home: Path, sort: str, name: str, code: str) -> Extension:
    path = home / "extensions" / sort / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)
    return Extension(path)
