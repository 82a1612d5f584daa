"""A Celery worker of ours: light to start, gives signs of life, ends well (docs/processes.md).

Not through Celery's command line: that one loads every plug-in it finds, 25 MB of them, in each worker.
"""

import logging
import sys
import threading
import time
import warnings
from collections.abc import Sequence
from typing import Any

from celery import platforms, signals
from celery.apps.worker import Worker
from celery.platforms import EX_OK
from celery.utils.nodenames import gethostname, nodename
from celery.worker import state
from django.db import DatabaseError, close_old_connections

from khronos.bus.routes import EMBED_TASK
from khronos.celery import app
from khronos.conversation import afterlife, holding, thinkers
from khronos.knowledge import readers
from khronos.launch.closing import close_queue, closes, with_database
from khronos.observability import health, heartbeat
from khronos.resilience.farewell import Farewell, FarewellPolicy, Step, leave_it_to_the_thread

EXCUSE_EVERY_S = 10.0  # well below the silence after which the supervisor acts

log = logging.getLogger(__name__)


def run(role: str, name: str, queues: Sequence[str], threads: int) -> None:
    for told_twice in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(told_twice).setLevel(logging.WARNING)  # two lines a task; the timeline has it all
    warnings.filterwarnings("ignore", "You're running the worker with superuser")  # we take JSON alone
    keep_database_connections()
    threading.Thread(target=excuse_silence, daemon=True).start()
    with Farewell(FarewellPolicy(jobs_s=app.conf.worker_soft_shutdown_timeout)) as farewell:
        take_over(queues)
        signals.heartbeat_sent.connect(lambda **_: heartbeat.beat(role), weak=False)
        worker = EndingWell(
            hostname=nodename(name, gethostname()),
            pool_cls="threads",
            concurrency=threads,
            queues=list(queues),
            loglevel=logging.getLevelName(logging.getLogger().level),
            without_gossip=True,
            without_mingle=True,
            quiet=True,
        )
        worker.bid(farewell)
        if farewell.stopping.is_set():  # before it has begun: nothing may be taken now
            worker.takes_no_more.set()
        else:
            worker.start()
        sys.exit(worker.exitcode or EX_OK)


def take_over(queues: Sequence[str]) -> None:
    try:
        afterlife.begin()
    except DatabaseError:
        log.warning("what the last life held waits for its leases", exc_info=True)
    if EMBED_TASK.queue in queues:
        readers.wake()
    close_old_connections()  # this thread needs none any more


def excuse_silence() -> None:
    """Without a broker the loop waits for it and does not beat: no reason to restart this process.

    Where the broker answers and the loop is silent all the same, it hangs, and nobody excuses it.
    """
    while True:
        time.sleep(EXCUSE_EVERY_S)
        if not health.run(health.broker).ok:
            heartbeat.touch()


def in_hand() -> int:
    """Celery's jobs, and the turns that they began."""
    return len(state.active_requests) + thinkers.crew().busy


def keep_database_connections() -> None:
    """Celery closes them after each task; Django's own rule closes only what is old or broken."""
    for fixup in vars(app)["_fixups"]:
        if fixup is not None:
            fixup.worker_fixup.db_reuse_max = sys.maxsize
    for signal in (signals.task_prerun, signals.task_postrun):
        signal.connect(lambda **_: close_old_connections(), weak=False)


class EndingWell(Worker):
    """Celery's own ways to end: wait for ever, or sleep ten seconds. Ours: when all hands are empty."""

    app = app
    consumer: Any

    def bid(self, farewell: Farewell) -> None:
        self.farewell = farewell
        self.takes_no_more = threading.Event()
        farewell.on(Step.SOURCES, self.stop_taking)
        farewell.counts(in_hand)
        farewell.on(Step.UNFINISHED, with_database(self.give_back))
        closes(farewell)
        farewell.on(Step.QUEUE, self.close_queue)

    def install_platform_tweaks(self, worker: Any) -> None:
        """Signals are the farewell's to hear."""
        super().install_platform_tweaks(worker)
        for name in ("SIGTERM", "SIGINT", "SIGQUIT"):
            platforms.signals[name] = leave_it_to_the_thread

    def stop_taking(self) -> str:
        """The loop sees it within a second and calls terminate()."""
        vars(state)["should_terminate"] = EX_OK  # a module used as a mailbox
        self.takes_no_more.wait()
        return "no more jobs are taken"

    def terminate(self, in_sighandler: bool = False) -> None:
        """The loop has ended; what follows is the farewell's."""
        if not self.farewell.stopping.is_set():
            super().terminate(in_sighandler)
            return
        self.takes_no_more.set()
        self.farewell.wait()

    def give_back(self) -> str:
        """Turns are due at once; a closed channel puts what was not acknowledged back into its queue."""
        left = in_hand()
        if left:
            holding.give_back()
            if self.consumer is not None and self.consumer.connection is not None:
                self.consumer.connection.close()
        return f"{left} given back"

    def close_queue(self) -> str:
        """The pool of threads would wait for those that have not finished."""
        if self.farewell.is_quiet():
            super().terminate()
        return close_queue()
