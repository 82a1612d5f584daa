"""Start everything in the foreground: what is missing is made, Ctrl-C stops it."""

import argparse
import os
import signal
import sys
from pathlib import Path

from khronos.exceptions import Misconfigured
from khronos.launch import keys, ports, state
from khronos.launch.home import Home
from khronos.launch.screen import Screen
from khronos.observability.folding import empty
from khronos.resilience.identity import end
from khronos.resilience.wakeup import STOP_SIGNALS
from settings import dotenv

ORPHAN_PATIENCE_S = 12.0  # above the ten seconds that a worker has for its jobs


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """None yet: settings come from the environment."""


def run(_options: argparse.Namespace) -> int:
    screen = Screen()
    home = Home.configured()
    home.make()
    lock = home.lock()
    if lock is None:
        raise Misconfigured(
            f"Khronos is already running with KHRONOS_HOME={home.path}.\n  Fix: `make down` stops it."
        )
    clear_the_field(home, screen)
    environ = settle_environment(home, screen)
    os.environ.clear()
    os.environ.update(environ)

    from khronos.launch import prepare  # noqa: PLC0415 (settings are read at import: not before they are made)

    prepare.run(home, screen)
    os.set_inheritable(lock, True)
    os.chdir(dotenv.ROOT)
    sys.stdout.flush()
    # A Ctrl-C of this moment waits until the supervisor can catch it (khronos/resilience/wakeup.py).
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    # The supervisor lives for months: it must not carry Django's memory.
    os.execv(sys.executable, [sys.executable, "-m", "khronos.launch.supervise"])  # noqa: S606


def clear_the_field(home: Home, screen: Screen) -> None:
    orphans = state.left_over(home, state.load(home))
    if orphans:
        with screen.busy("The last run was cut off; ending what it left …"):
            end(orphans, ORPHAN_PATIENCE_S)
        screen.done(f"Ended {len(orphans)} processes that the last run left behind (it was cut off)")
    state.forget(home)
    empty(home.run / "metrics")


def settle_environment(home: Home, screen: Screen) -> dict[str, str]:
    """The final environment of every process. What nobody set is made, chosen, or as at the last start."""
    given = dotenv.given()
    if made := keys.make_missing(home):
        screen.done(f"Made {len(made)} secrets ({shown(home.secrets)})")
    chosen = ports.choose(given, home)
    for line in chosen.said:
        screen.warn(line)
    environ = {**os.environ, "KHRONOS_HOME": str(home.path)}
    secrets = dict(dotenv.read_env_file(home.secrets))
    inner = dict(chosen.values)
    if "VALKEY_PORT" in inner:
        password = given.get("VALKEY_PASSWORD") or secrets["VALKEY_PASSWORD"]
        inner["REDIS_URL"] = f"redis://:{password}@127.0.0.1:{inner['VALKEY_PORT']}/0"
    ports.keep(home, inner)
    environ |= {
        name: inner[name] for name in ("PORT", "FLOWER_PORT", "EMBEDDER_PORT", "REDIS_URL") if name in inner
    }
    for name in ("PYTHONDONTWRITEBYTECODE", "KHRONOS_PROCESS"):
        environ.pop(name, None)
    environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)])
    return environ


def shown(path: Path) -> str:
    """Short where it lies in the checkout."""
    return str(path.relative_to(dotenv.ROOT)) if path.is_relative_to(dotenv.ROOT) else str(path)
