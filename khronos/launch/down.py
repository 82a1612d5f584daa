"""Stop everything in order, from any terminal."""

import argparse
import contextlib
import signal
import time

import psutil

from khronos.launch import state
from khronos.launch.home import Home
from khronos.launch.screen import Screen
from khronos.resilience.identity import end

LONGEST_STOP_S = 40.0  # above the supervisor's own hard stop


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """None."""


def run(_options: argparse.Namespace) -> int:
    screen, home = Screen(), Home.configured()
    entries = state.load(home)
    supervisor = state.supervisor(entries)
    if supervisor is None:
        return sweep(home, entries, screen)
    with screen.busy("Stopping …"):
        with contextlib.suppress(psutil.NoSuchProcess):
            supervisor.send_signal(signal.SIGTERM)
        gone = is_gone_within(LONGEST_STOP_S, entries)
    if not gone:
        screen.fail(f"The supervisor does not end.\n  Fix: `kill -9 {supervisor.pid}`, then `make down`.")
        return 1
    sweep(home, entries, screen, quiet=True)
    screen.done("Khronos is stopped")
    return 0


def is_gone_within(seconds: float, entries: list[state.Entry]) -> bool:
    """Not by waiting for its number: that one stays taken until somebody asks for the exit code."""
    deadline = time.monotonic() + seconds
    while state.supervisor(entries) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def sweep(home: Home, entries: list[state.Entry], screen: Screen, quiet: bool = False) -> int:
    """What a supervisor that was killed left behind."""
    orphans = state.left_over(home, entries)
    if orphans:
        end(orphans, patience_s=12.0)
        screen.done(f"Ended {len(orphans)} processes that were left behind")
    elif not quiet:
        screen.say("Khronos is not running.")
    return 0
