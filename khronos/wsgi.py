"""The web server's application: a lean chain for machines, the full one for people."""

import os
from collections.abc import Iterable
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


@traced
def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    path = environ.get("PATH_INFO", "")
    chain = lean if path.startswith(settings.LEAN_PREFIXES) else full
    return chain(environ, start_response)
