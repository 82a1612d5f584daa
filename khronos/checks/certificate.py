"""How long the certificate of PUBLIC_URL is good for: browsers and Telegram stay away afterwards."""

import ssl
import time
from contextlib import closing
from typing import cast
from urllib.parse import urlsplit

from django.conf import settings

from khronos.http.dial import dial
from khronos.models import Alert
from khronos.models.check import OFF
from khronos.observability.health import Amiss
from khronos.observability.said import Said as _
from khronos.observability.said import joined

CONNECT_S, TOTAL_S = 3.0, 6.0
WARN_DAYS, ERROR_DAYS = 14, 3
DAY_S = 86_400


def certificate() -> str:
    server = urlsplit(settings.PUBLIC_URL)
    if server.scheme != "https":
        return joined("", (OFF, _("PUBLIC_URL is no https address")))
    try:
        with closing(dial(server, CONNECT_S, time.monotonic() + TOTAL_S)) as wire:
            found = cast(ssl.SSLSocket, wire).getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        why = {"host": server.hostname, "why": error.verify_message}
        raise Amiss(_("the world does not trust %(host)s: %(why)s") % why) from None
    except OSError as error:
        told = {"host": server.hostname, "why": error.strerror or error}
        raise Amiss(_("%(host)s does not answer: %(why)s") % told, Alert.Level.WARNING) from None
    days = (ssl.cert_time_to_seconds(str(found["notAfter"])) - time.time()) / DAY_S
    if days < WARN_DAYS:
        level = Alert.Level.ERROR if days < ERROR_DAYS else Alert.Level.WARNING
        raise Amiss(
            _("the certificate of %(host)s ends in %(n)s days: renew it")
            % {"host": server.hostname, "n": f"{days:.1f}"},
            level,
        )
    return _("good for %(n)s days") % {"n": round(days)}
