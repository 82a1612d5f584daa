"""A call that is given up after its time: nobody can end a thread, but nobody has to wait for it."""

import contextvars
import queue
import threading
from collections.abc import Callable

from django.db import connections

from khronos.database import give_back
from khronos.exceptions import Ambiguous

type Ending[R] = tuple[R | None, BaseException | None]


def in_time[R](seconds: float, function: Callable[[], R]) -> R:
    """Raises Ambiguous when it takes longer; what it does after that is nobody's."""
    endings: queue.Queue[Ending[R]] = queue.Queue(1)

    def run() -> None:
        try:
            endings.put((function(), None))
        except BaseException as error:
            endings.put((None, error))
        finally:
            connections.close_all()

    give_back()  # whoever waits for the outside world holds no connection to the database
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name="tool", daemon=True).start()
    try:
        result, error = endings.get(timeout=seconds)
    except queue.Empty:
        raise Ambiguous(f"it took longer than {seconds:.0f} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]
