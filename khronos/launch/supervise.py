"""The supervisor process: lean, without Django. `up` becomes this one when all is prepared."""

import signal
import sys

from khronos.exceptions import Misconfigured
from khronos.launch import plan, state
from khronos.launch.announcer import Announcer
from khronos.launch.home import Home
from khronos.launch.screen import Screen
from khronos.resilience.supervisor import Limits, Supervisor
from settings import dotenv


def main() -> int:
    home, settings = Home.configured(), dotenv.merged()
    screen = Screen(log=home.log_of(state.SUPERVISOR))
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


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Misconfigured as error:
        sys.exit(f"❌ {error}")
