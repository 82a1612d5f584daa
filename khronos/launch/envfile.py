"""Changes `.env` and leaves alone what somebody wrote there: comments, order, other names."""

from collections.abc import Mapping
from pathlib import Path

from khronos.exceptions import Misconfigured
from khronos.launch.home import write
from settings.dotenv import LINE


def change(path: Path, values: Mapping[str, str]) -> None:
    """An empty value takes the name out."""
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    left = dict(values)
    kept: list[str] = []
    for line in lines:
        match = LINE.fullmatch(line.strip())
        if match is None or match[1] not in values:
            kept.append(line)
        elif value := left.pop(match[1], ""):
            kept.append(f"{match[1]}={value}")
    kept += [f"{name}={value}" for name, value in left.items() if value]
    try:
        write(path, "\n".join([*kept, ""]))
    except OSError as error:
        raise Misconfigured(
            f"{path} cannot be written: {error.strerror}.\n  Fix: make it writable."
        ) from None
