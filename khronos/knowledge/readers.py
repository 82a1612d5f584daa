"""Who reads documents: a few threads of the worker's process, which end when nothing is due any more.

Celery's own threads only wake them, so that no document, and no crowd of them, keeps a delivery waiting.
"""

import logging
import threading

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from khronos.models import Document

log = logging.getLogger(__name__)

NAME = "reader"

_counting = threading.Lock()
_busy = 0


def wake() -> None:
    """As many as there is work for. Who comes too late finds nothing; what was missed is swept."""
    global _busy  # noqa: PLW0603 (how many there are in this process)
    waiting = Document.objects.due().count()
    with _counting:
        new = max(0, min(waiting, settings.EMBEDDINGS_AT_ONCE - _busy))
        _busy += new
    for _ in range(new):
        threading.Thread(target=run, name=NAME, daemon=True).start()


def run() -> None:
    global _busy  # noqa: PLW0603
    close_old_connections()
    try:
        read_all()
    except DatabaseError:
        log.warning("the database went away while documents were read; others go on", exc_info=True)
    finally:
        with _counting:
            _busy -= 1
        connection.close()


def read_all() -> int:
    """Until nothing is due, the most urgent first; answers how many were taken."""
    from khronos.knowledge import work  # noqa: PLC0415 (numpy is 20 MB, which only whoever reads pays)

    done = 0
    while (document := Document.objects.due().by_urgency().only("pk").first()) is not None:
        if Document.objects.at_work().count() >= settings.EMBEDDINGS_AT_ONCE:
            break  # other processes' readers are at it; who is done there looks for more
        work.take(document.pk)
        done += 1
    return done
