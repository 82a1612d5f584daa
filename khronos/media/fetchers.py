"""Who fetches what no turn waits for: a few threads of the worker's process, which end when nothing is due.

Celery's own threads only wake them, so that no download keeps a delivery waiting. Operators see what was
sent to people, and a file that a turn never came for is here before the channel forgets it.
"""

import logging
import threading
from contextlib import suppress

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from khronos.exceptions import LostLease, Transient, Unauthorized
from khronos.media import fetching
from khronos.models import Attachment

log = logging.getLogger(__name__)

NAME = "fetcher"

_counting = threading.Lock()
_busy = 0


def wake() -> None:
    """As many as there is work for. Who comes too late finds nothing; what was missed is swept."""
    global _busy  # noqa: PLW0603 (how many there are in this process)
    waiting = Attachment.objects.due().count()
    with _counting:
        new = max(0, min(waiting, settings.MEDIA_FETCHERS - _busy))
        _busy += new
    for _ in range(new):
        threading.Thread(target=run, name=NAME, daemon=True).start()


def run() -> None:
    global _busy  # noqa: PLW0603
    close_old_connections()
    try:
        fetch_all()
    except DatabaseError:
        log.warning("the database went away while files were fetched; others go on", exc_info=True)
    finally:
        with _counting:
            _busy -= 1
        connection.close()


def fetch_all() -> int:
    """Until nothing is due; answers how many were taken."""
    done = 0
    while (
        pk := Attachment.objects.due().order_by("due_at").values_list("pk", flat=True).first()
    ) is not None:
        claimed = Attachment.objects.claim(pk, settings.MEDIA_LEASE, "message__conversation__channel")
        if claimed is not None:
            with suppress(Transient, Unauthorized, LostLease):  # it is due later, or somebody else's
                fetching.fetch(claimed, claimed.message.conversation.channel)
        done += 1
    return done
