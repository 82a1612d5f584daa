"""Files that hold secrets are for their owner's eyes alone. The folder's own mode guards what is in it."""

import stat
from functools import partial
from pathlib import Path

from django.utils.translation import gettext as _

from khronos.launch.home import Home
from khronos.management.diagnosis.finding import Findings, ill, well
from settings import dotenv


def permissions() -> Findings:
    open_ = [path for path in private() if mode_of(path) & 0o077]
    for path in open_:
        wanted = 0o700 if path.is_dir() else 0o600
        says = _("others may read %(path)s (%(mode)s)") % {"path": path, "mode": f"{mode_of(path):o}"}
        yield ill(says, f"chmod {wanted:o} {path}", partial(path.chmod, wanted))
    if not open_:
        yield well(_("only you may read them"))


def private() -> list[Path]:
    home, env = Home.configured(), dotenv.path()
    return [path for path in (home.path, home.secrets, home.ports, env) if path.is_dir() or path.is_file()]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
