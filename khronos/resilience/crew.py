"""A crew does jobs in threads of its own, so many at once. Who brings more waits until somebody is free."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

log = logging.getLogger(__name__)


class Crew:
    def __init__(self, name: str, size: int) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=name)
        self._free = threading.BoundedSemaphore(size)
        self._count = threading.Lock()
        self.busy = 0

    def begin(self, job: Callable[[], None]) -> None:
        """Back when somebody has begun with it."""
        self._free.acquire()
        with self._count:
            self.busy += 1
        self._pool.submit(self._do, job)

    def _do(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception:
            log.exception("job failed")
        finally:
            with self._count:
                self.busy -= 1
            self._free.release()
