"""How old the last copy of the database is: Litestream says "replicating" also when nothing arrives."""

import os
import shutil
import subprocess
import sys
from datetime import datetime
from typing import Any

import orjson
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from khronos.models.check import OFF
from khronos.observability.health import Amiss

LATE_S = 120  # a copy is made every 10 s
PATIENCE_S = 3
BESIDE = os.path.dirname(sys.executable)  # where deploy/bootstrap puts it


def backup() -> str:
    if connection.vendor != "sqlite":
        return OFF + _("PostgreSQL is backed up by its own means")
    program = shutil.which("litestream", path=os.pathsep.join([BESIDE, os.environ.get("PATH", os.defpath)]))
    if program is None:
        raise Amiss(_("the program litestream is missing: deploy/bootstrap installs it"))
    age_s = (timezone.now() - last_copy(databases(program))).total_seconds()
    if age_s > LATE_S:
        raise Amiss(_("the last copy is %(n)s s old") % {"n": round(age_s)})
    return _("copied %(n)s s ago") % {"n": max(0, round(age_s))}


def databases(program: str) -> list[dict[str, Any]]:
    socket = settings.KHRONOS_HOME / "run" / "litestream.sock"
    command = [program, "list", "-json", "-timeout", str(PATIENCE_S), "-socket", os.path.abspath(socket)]
    try:
        said = subprocess.run(command, capture_output=True, timeout=PATIENCE_S + 1, check=True).stdout
        found: list[dict[str, Any]] = orjson.loads(said)["databases"]
    except (subprocess.SubprocessError, ValueError, KeyError):
        raise Amiss(_("litestream does not answer")) from None
    return found


def last_copy(found: list[dict[str, Any]]) -> datetime:
    ours = os.path.abspath(str(connection.settings_dict["NAME"]))
    last = next((each.get("last_sync_at") for each in found if each.get("path") == ours), None)
    if not last:
        raise Amiss(_("litestream has made no copy yet"))
    return datetime.fromisoformat(str(last))
