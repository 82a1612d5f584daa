"""How long an answer asks us to wait, whoever gave it: seconds, milliseconds or a date."""

import math
import time
from email.utils import parsedate_to_datetime

from khronos.http.inlet import Reply

WAIT_MAX_S = 24 * 3600.0


def asked_wait_s(reply: Reply) -> float | None:
    """Seconds from now; None where it does not say, or says nothing that has a meaning."""
    if milliseconds := reply.header("retry-after-ms"):
        return bounded(milliseconds, 0.001)
    value = reply.header("retry-after")
    if not value:
        return None
    try:
        return bounded(parsedate_to_datetime(value).timestamp() - time.time())
    except OverflowError:  # a year, or a zone, of more digits than there are
        return None
    except ValueError:
        return bounded(value)


def bounded(value: str | float, unit: float = 1.0) -> float | None:
    try:
        seconds = float(value) * unit
    except ValueError:
        return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), WAIT_MAX_S)
