"""How long the certificate of PUBLIC_URL is good for: browsers and Telegram stay away afterwards."""

import ssl
import time
from contextlib import closing
from typing import cast
from urllib.parse import urlsplit

from django.conf import settings

from khronos.http.dial import dial
from khronos.models import Alert
from khronos.observability.health import Amiss

CONNECT_S, TOTAL_S = 3.0, 6.0
WARN_DAYS, ERROR_DAYS = 14, 3
DAY_S = 86_400


def certificate() -> str:
    server = urlsplit(settings.PUBLIC_URL)
    if server.scheme != "https":
        return "off: PUBLIC_URL is no https address"
    try:
        with closing(dial(server, CONNECT_S, time.monotonic() + TOTAL_S)) as wire:
            found = cast(ssl.SSLSocket, wire).getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        raise Amiss(f"the world does not trust {server.hostname}: {error.verify_message}") from None
    except OSError as error:
        raise Amiss(
            f"{server.hostname} does not answer: {error.strerror or error}", Alert.Level.WARNING
        ) from None
    days = (ssl.cert_time_to_seconds(str(found["notAfter"])) - time.time()) / DAY_S
    if days < WARN_DAYS:
        level = Alert.Level.ERROR if days < ERROR_DAYS else Alert.Level.WARNING
        raise Amiss(f"the certificate of {server.hostname} ends in {days:.1f} days: renew it", level)
    return f"good for {days:.0f} days"
