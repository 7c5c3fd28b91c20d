"""The machine that all Nodes of a lab share: what it is, how much it has, and how much of that is left. Sizes are in bytes."""

from __future__ import annotations

from netlab.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One look at the machine. `disk` is the file system that holds the Pods' files; `pids` counts processes and threads."""

    cpus: int = 0
    memory: int = 0
    memory_available: int = 0
    disk: int = 0
    disk_available: int = 0
    pids: int = 0
    pids_available: int = 0
    kernel: str = ""
    architecture: str = ""
    os_image: str = ""
    machine_id: str = ""
    boot_id: str = ""
