"""What the machine is and has, read from files: the facts behind a Node's capacity, conditions and system information.

Source: proc(5) (meminfo, loadavg, sys/kernel/pid_max), os-release(5), machine-id(5), statvfs(3).
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

from netlab.netstate.machine import Machine

PROC = Path("/proc")
OS_RELEASE = Path("/etc/os-release")
MACHINE_ID = Path("/etc/machine-id")
# What Go calls them, and so Kubernetes.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def look_at_machine(data: Path) -> Machine:
    """Return the machine as it is now; `data` is a directory on the file system of the Pods. What cannot be read is empty."""
    memory, (kernel, architecture, os_image, machine_id, boot_id) = _meminfo(_text(PROC / "meminfo")), _identity()
    disk = os.statvfs(_existing(data))
    most, now = _number(PROC / "sys/kernel/pid_max"), _threads(_text(PROC / "loadavg"))
    return Machine(
        cpus=len(os.sched_getaffinity(0)),
        memory=memory.get("MemTotal", 0),
        memory_available=memory.get("MemAvailable", 0),
        disk=disk.f_blocks * disk.f_frsize,
        disk_available=disk.f_bavail * disk.f_frsize,
        pids=most,
        pids_available=max(0, most - now),
        kernel=kernel,
        architecture=architecture,
        os_image=os_image,
        machine_id=machine_id,
        boot_id=boot_id,
    )


@functools.cache
def _identity() -> tuple[str, str, str, str, str]:
    """What stays as long as the machine is up: kernel, architecture, system, machine id, boot id."""
    name, boot_id = os.uname(), _text(PROC / "sys/kernel/random/boot_id").strip()
    architecture = ARCHITECTURES.get(name.machine, name.machine)
    return name.release, architecture, _pretty_name(_text(OS_RELEASE)), _text(MACHINE_ID).strip(), boot_id


def _existing(path: Path) -> Path:
    """The path, or the nearest directory above it that exists."""
    return next(one for one in (path, *path.parents) if one.exists())


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _number(path: Path) -> int:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else 0


def _meminfo(text: str) -> dict[str, int]:
    """Lines `MemTotal:  8148464 kB` in bytes."""
    rows = (line.split() for line in text.splitlines())
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows if row[2:] == ["kB"]}


def _threads(text: str) -> int:
    """The second number of `2/345`, which is how many processes and threads there are."""
    parts = text.split()
    return int(parts[3].partition("/")[2]) if len(parts) > 3 else 0  # noqa: PLR2004 - its fourth field


def _pretty_name(text: str) -> str:
    found = (line.partition("=")[2] for line in text.splitlines() if line.startswith("PRETTY_NAME="))
    return next(found, "").strip("\"'")
