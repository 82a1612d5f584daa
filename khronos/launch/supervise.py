"""The supervisor process: lean, without Django. `up` becomes this one when all is prepared."""

import logging
import signal
import sys

from khronos import VERSION
from khronos.exceptions import Misconfigured
from khronos.launch import plan, state
from khronos.launch.announcer import Announcer
from khronos.launch.home import Home
from khronos.launch.screen import Screen
from khronos.observability import secrecy
from khronos.observability.logging import configure
from khronos.resilience.supervisor import Limits, Supervisor
from settings import dotenv


def main() -> int:
    home, settings = Home.configured(), dotenv.merged()
    secrecy.learn_settings(settings)
    observe(home, settings)
    screen = Screen(logging.getLogger("khronos.supervisor"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # after the last process is gone nobody needs to hurry
    announcer = Announcer(home, screen, settings)
    supervisor = Supervisor(
        plan.specs(home, dotenv.ROOT / "Procfile"),
        Limits(
            memory_mb=float(settings["MAX_MEMORY_MB"]),
            silence_s=float(settings["SILENCE_S"]),
            hard_stop_s=float(settings["HARD_STOP_S"]),
        ),
        announcer,
        state.memory_mb,
        gates={plan.AFTER_READY: announcer.ready_gate},
    )
    supervisor.run()
    state.forget(home)
    screen.done("Khronos is stopped")
    return 0


def observe(home: Home, settings: dict[str, str]) -> None:
    """Into the same files as the others; the screen prints for itself."""
    configure(
        home.path,
        settings.get("LOG_LEVEL", "INFO"),
        settings.get("KHRONOS_ENVIRONMENT", ""),
        VERSION,
        service=state.SUPERVISOR,
        prints=False,
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Misconfigured as error:
        sys.exit(f"❌ {error}")
