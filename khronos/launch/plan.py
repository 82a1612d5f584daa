"""From the Procfile to what the supervisor gets: which processes, in which order, in which environment."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from khronos.exceptions import Misconfigured
from khronos.launch import probes
from khronos.launch.home import Home
from khronos.launch.procfile import read, words
from khronos.resilience.process import Spec
from khronos.resilience.restart_policy import RestartPolicy
from settings import dotenv

# (start, stop): processes of one number go together. What brings work in is stopped before what does it.
WAVES = {
    "valkey": (0, 5),
    "web": (1, 0),
    "dispatcher": (1, 1),
    "agent": (1, 2),
    "embedder": (1, 3),
    "worker": (2, 3),
    "beat": (2, 0),
    "flower": (2, 0),
    "poller": (2, 0),
    "litestream": (1, 4),
    "journal": (1, 4),
}
AFTER_READY = 2
REMOVED = {
    "litestream": ("AWS_CA_BUNDLE",),  # it breaks litestream's S3 client
}


def is_wanted(name: str, settings: Mapping[str, str]) -> bool:
    if name == "valkey":
        return "VALKEY_PORT" in settings  # chosen where nobody gave a REDIS_URL
    if name == "poller":
        return bool(settings.get("TELEGRAM_BOT_TOKEN")) and not settings.get("PUBLIC_URL")
    if name == "embedder":  # chosen where the local model is to be held by it
        return "EMBEDDER_PORT" in settings
    if name == "litestream":
        return not settings.get("DATABASE_URL") or settings["DATABASE_URL"].startswith("sqlite")
    if name == "journal":
        return bool(settings.get("BACKUP_JOURNAL")) and settings.get("DATABASE_URL", "").startswith(
            "postgres"
        )
    return True


def names(name: str, settings: Mapping[str, str]) -> list[str]:
    """`agent` runs as often as AGENT_PROCESSES says: agent, agent-2, …"""
    count = int(settings.get("AGENT_PROCESSES", "1")) if name == "agent" else 1
    return [name, *(f"{name}-{number}" for number in range(2, count + 1))]


def specs(home: Home, procfile: Path) -> Iterator[Spec]:
    settings = dotenv.merged()
    policy = RestartPolicy(
        apart_s=float(settings["RESTART_APART_S"]),
        failed_start_s=float(settings["FAILED_START_S"]),
        max_failed_starts=int(settings["FAILED_STARTS_MAX"]),
    )
    for kind, command in read(procfile):
        if not is_wanted(kind, settings):
            continue
        start_wave, stop_wave = WAVES.get(kind, (AFTER_READY, 0))
        for name in names(kind, settings):
            env = environment(name, kind, settings)
            line = words(command, env)
            insist_on(line[0], env["PATH"])
            yield Spec(
                name=name,
                command=line,
                env=env,
                cwd=dotenv.ROOT,
                log=home.log_of(name),
                start_wave=start_wave,
                stop_wave=stop_wave,
                is_up=probes.of(kind, settings),
                pulse=probes.pulse(kind, name, home, settings),
                memory_is_limited=kind != "valkey",  # its data would be as large after a restart
                policy=policy,
            )


def insist_on(program: str, path: str) -> None:
    if shutil.which(program, path=path) is None:
        raise Misconfigured(
            f"The program {program} is missing.\n  Fix: `deploy/bootstrap` installs what is needed."
        )


def environment(name: str, kind: str, settings: Mapping[str, str]) -> dict[str, str]:
    env = {
        **os.environ,
        "KHRONOS_PROCESS": name,
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "2",  # glibc would keep up to eight heaps a core for the threads
        "OPENBLAS_NUM_THREADS": "1",
    }
    for unwanted in REMOVED.get(kind, ()):
        env.pop(unwanted, None)
    return env
