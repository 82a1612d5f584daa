"""What a whole instance costs: processor time and memory, by the Procfile's names."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

from bench.instance import Instance
from bench.processes import cpu_s
from khronos.launch import state

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Memory:
    """In MB. PSS shares out the pages that several processes have in common; RSS counts them for each."""

    rss: float
    pss: float


def cpu(instance: Instance) -> dict[str, float]:
    """Seconds of processor time so far."""
    return {
        entry.name: own_cpu_s(entry.pid) if entry.name == state.SUPERVISOR else cpu_s(entry.pid)
        for entry in state.load(instance.home)
        if entry.pid
    }


def own_cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}


def memory(instance: Instance) -> dict[str, Memory]:
    """Of every process with its children, by the name it was started under."""
    return {
        entry.name: used([entry.pid] if entry.name == state.SUPERVISOR else family(entry.pid))
        for entry in state.load(instance.home)
        if entry.pid
    }


def family(pid: int) -> list[int]:
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def used(pids: Iterable[int]) -> Memory:
    rss = pss = 0.0
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            info = psutil.Process(pid).memory_full_info()
            rss, pss = rss + info.rss / MIB, pss + info.pss / MIB
    return Memory(rss, pss)
