"""What containers use of the machine, as their cgroups count it: processor time and memory. And how much the machine has.

    cgroup v2   cpu.stat usage_usec       memory.current         - memory.stat inactive_file
    cgroup v1   cpuacct.usage (ns)        memory.usage_in_bytes  - memory.stat total_inactive_file

Memory is the working set, as the kubelet means it: without file pages that the kernel would give up first. Processor time is a
sum since the cgroup was made: what is used now takes two looks. A figure that no hierarchy has is None.
Source: kernel docs, cgroup-v2 (cpu.stat, memory.stat) and cgroup-v1 (cpuacct, memory); Kubernetes docs, "Resource metrics
pipeline".
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from netlab.frozen import dataclass
from netlab.kernel import cgroups

WINDOW_S: Final = 0.25
MEMINFO: Final = Path("/proc/meminfo")

Container = tuple[str, str]
"""A Pod's uid and the name of one of its containers."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a cgroup said at one moment: seconds of processor time so far, bytes of memory now. `at_s` is monotonic."""

    at_s: float
    cpu_s: float | None
    memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class Usage:
    """What is used: processors (1.5 is one and a half of them), bytes. None if that is not known."""

    cores: float | None
    memory_bytes: int | None


class Capacity(NamedTuple):
    """What the machine has: processors, bytes of memory."""

    cores: int
    memory_bytes: int


def measure(lab: str, containers: Iterable[Container], window_s: float = WINDOW_S) -> dict[Container, Usage]:
    """Return what containers use, on average over `window_s` seconds; this takes as long. One that does not run is left out."""
    asked = list(containers)
    first = {one: seen for one in asked if (seen := look(lab, *one))}
    if not first:
        return {}
    select.select([], [], [], window_s)  # what is awaited is time itself
    second = {one: seen for one in first if (seen := look(lab, *one))}
    return {one: between(first[one], seen) for one, seen in second.items()}


def between(first: Look, second: Look) -> Usage:
    """Return the usage that two looks show. A counter that went back is that of a new cgroup of the same name."""
    if first.cpu_s is None or second.cpu_s is None or second.at_s <= first.at_s:
        return Usage(None, second.memory_bytes)
    used = second.cpu_s - first.cpu_s
    return Usage((used if used >= 0 else second.cpu_s) / (second.at_s - first.at_s), second.memory_bytes)


def total(usages: Iterable[Usage]) -> Usage:
    """Return the sum; what is not known of one is not known of all."""
    found = list(usages)
    cores = [one.cores for one in found if one.cores is not None]
    memory = [one.memory_bytes for one in found if one.memory_bytes is not None]
    return Usage(
        sum(cores) if len(cores) == len(found) else None,
        sum(memory) if len(memory) == len(found) else None,
    )


def look(lab: str, uid: str, container: str) -> Look | None:
    """Return what the cgroup of a container says now; None if there is none."""
    found = cgroups.directories(lab, uid, container)
    if not found:
        return None
    return Look(time.monotonic(), read_cpu(found), read_memory(found))


def read_cpu(directories: Sequence[Path]) -> float | None:
    """Return the seconds of processor time that a cgroup has used, from its directories in all hierarchies."""
    for directory in directories:
        v2, v1 = _fields(directory / "cpu.stat").get("usage_usec"), _number(directory / "cpuacct.usage")
        if v2 is not None or v1 is not None:
            return v2 / 1e6 if v2 is not None else (v1 or 0) / 1e9
    return None


def read_memory(directories: Sequence[Path]) -> int | None:
    """Return the bytes of a cgroup's working set, from its directories in all hierarchies."""
    for directory in directories:
        for used, reclaimable in (("memory.current", "inactive_file"), ("memory.usage_in_bytes", "total_inactive_file")):
            number = _number(directory / used)
            if number is not None:
                return max(0, number - _fields(directory / "memory.stat").get(reclaimable, 0))
    return None


def capacity(meminfo: Path = MEMINFO) -> Capacity:
    """Return what the machine has."""
    return Capacity(os.cpu_count() or 1, _fields(meminfo).get("MemTotal:", 0) * 1024)


def _fields(path: Path) -> dict[str, int]:
    """The lines `NAME NUMBER ...` of a file; none if it cannot be read."""
    words = (line.split() for line in _read(path).splitlines())
    return {found[0]: int(found[1]) for found in words if len(found) > 1 and found[1].isdecimal()}


def _number(path: Path) -> int | None:
    text = _read(path).strip()
    return int(text) if text.isdecimal() else None


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the controller is not there, or the cgroup is gone
        return ""
