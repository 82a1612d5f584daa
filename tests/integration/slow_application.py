"""Khronos's own application, with an address that leaves a file behind and answers when another is there."""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from khronos.wsgi import application as khronos

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    if environ["PATH_INFO"] != "/slow":
        return khronos(environ, start_response)
    folder = Path(os.environ["KHRONOS_HOME"])
    (folder / "begun").touch()
    while not (folder / "go on").exists():
        time.sleep(0.01)
    start_response("200 OK", [("Content-Length", "4")])
    return [b"done"]
