"""The web server's application: a lean chain for machines, the full one for people."""

import os
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.embedded")

import django
from django.conf import settings
from django.test.utils import override_settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

django.setup(set_prefix=False)

from khronos.observability.requests import handler  # noqa: E402 - counts as the settings say
from khronos.observability.tracing import traced  # noqa: E402

full = handler()
with override_settings(MIDDLEWARE=[]):
    lean = handler()

# As proxies and people write them.
SLASHED = {
    f"/{name}/"
    for name in (
        "health", "ready", "livez", "readyz", "metrics", "breakers/status", "limiter/stats", "cache/stats",
        "pool/stats", "dashboard/data", "dashboard/services", "dashboard/memory",
    )
}  # fmt: skip

SIP_BYTES = 65536
HEARD_MAX_BYTES = 16 * 1024 * 1024  # of a body that is refused for its size
UPLOAD_MAX_BYTES = 2**40


@traced
def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    path = environ.get("PATH_INFO", "")
    if path in SLASHED:
        environ["PATH_INFO"] = path = path[:-1]
    chain = lean if path.startswith(settings.LEAN_PREFIXES) else full
    if "HTTP_TRANSFER_ENCODING" in environ:
        give_length(environ, path)
    answer = chain(environ, start_response)
    if answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        hear_out(environ)
    return answer


def give_length(environ: "WSGIEnvironment", path: str) -> None:
    """Tunnels send bodies in chunks; where no length is told Django reads nothing. granian knows the end."""
    is_upload = environ.get("CONTENT_TYPE", "").startswith("multipart/")
    has_files = path.startswith(settings.WITH_FILES_PREFIXES)
    most = settings.WEB_BODY_MAX_BYTES if has_files else settings.UPDATE_MAX_BYTES
    environ["CONTENT_LENGTH"] = str(UPLOAD_MAX_BYTES if is_upload else most + 1)


def hear_out(environ: "WSGIEnvironment") -> None:
    """Who is cut off while he still sends sees a broken pipe, not our answer."""
    heard = 0
    with suppress(OSError):
        while heard < HEARD_MAX_BYTES and (piece := environ["wsgi.input"].read(SIP_BYTES)):
            heard += len(piece)
