"""The web server: granian's parent, which stays without Django, and the child that serves and ends well.

Not through granian's command line: that one knows no moment between the last answer and the end of a child,
and a child of it that is told to stop while it still loads does not hear of it.
"""

import argparse
import multiprocessing
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from khronos.resilience.farewell import Farewell, FarewellPolicy, Step
from khronos.resilience.process import die_with_parent

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BACKPRESSURE = 128  # connections at once; more wait in the kernel
PATIENCE_S = int(FarewellPolicy().hard_stop_s) + 2  # a child ends by itself before its parent ends it
HEARD_S = 1.0  # granian hears the same signal, and may be done before the farewell has begun

serve_by_granian: Any = Server._spawn_wsgi_worker


class Child:
    """What granian starts for each worker: its own way to serve, and a farewell around it."""

    def __init__(self, farewell: Farewell) -> None:
        self.farewell = farewell
        self.hands: deque[None] = deque()  # one for each request at work; appending is atomic
        self.is_loaded = False
        self.has_served = threading.Event()

    def serve(self, number: int, name: str | None, load: Callable[[], Any], *rest: Any) -> None:
        self.farewell.on(Step.REQUESTS, lambda: f"no new ones are taken, {len(self.hands)} in hand")
        self.farewell.counts(lambda: len(self.hands))
        self.farewell.on(Step.UNFINISHED, self.see_off)
        serve_by_granian(number, name, lambda: self.loaded(load), *rest)
        self.has_served.set()
        self.farewell.stopping.wait(HEARD_S)

    def loaded(self, load: Callable[[], Any]) -> "WSGIApplication":
        application = load()
        from khronos.launch.closing import closes  # noqa: PLC0415 (Django is there only now)

        closes(self.farewell)
        self.is_loaded = True
        if self.farewell.stopping.is_set():
            sys.exit()  # told to stop before it has served anybody

        def counted(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            self.hands.append(None)
            try:
                return application(environ, start_response)  # type: ignore[no-any-return]
            finally:
                self.hands.pop()

        return counted

    def see_off(self) -> str:
        """Answers that are still on their way out. Who gets none sends again: nothing was acknowledged."""
        if self.is_loaded:
            self.has_served.wait()
        return "all answers are out"


def serve(*given: Any) -> None:
    """A child's whole life."""
    if parent := multiprocessing.parent_process():
        die_with_parent(parent.pid or 0)()
    with Farewell() as farewell:
        Child(farewell).serve(*given)


def main() -> None:
    parser = argparse.ArgumentParser(prog="khronos.launch.web", description=__doc__)
    parser.add_argument("application", help="such as khronos.wsgi:application")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=18789)
    parser.add_argument("--workers", type=int, default=1, help="processes that serve (%(default)s)")
    parser.add_argument("--threads", type=int, default=16, help="requests at once in each (%(default)s)")
    given = parser.parse_args()
    Server(
        given.application,
        address=given.host,
        port=given.port,
        interface=Interfaces.WSGI,
        workers=given.workers,
        blocking_threads=given.threads,
        backpressure=BACKPRESSURE,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(),
        websockets=False,
        log_level=LogLevels.warning,
        workers_kill_timeout=PATIENCE_S,
    ).serve(spawn_target=serve)


if __name__ == "__main__":
    main()
