"""cgroup directories of a lab: /netlab/<lab>/<Pod uid>/<container>, in every hierarchy the machine has.

crun makes them and removes a container's own one; the directories above it are removed here. A directory can be removed
only when no process is in it and none below it exists. Source: cgroups(7).
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import Final

from netlab.errors import KernelError
from netlab.kernel import processes
from netlab.kernel.mounts import CGROUP2_MAGIC, CGROUPS, TMPFS_MAGIC, filesystem_type

ROOT: Final = "netlab"
DEADLINE_S: Final = 5.0


def hierarchies() -> list[Path]:
    """Return the roots of the cgroup trees: one with cgroup v2, one per controller (and perhaps a v2 tree) with v1."""
    try:
        if filesystem_type(CGROUPS) == CGROUP2_MAGIC:
            return [CGROUPS]
        found = sorted(path for path in CGROUPS.iterdir() if path.is_dir() and not path.is_symlink())
        return [path for path in found if filesystem_type(path) != TMPFS_MAGIC]  # a covered v2 tree: see mounts.py
    except OSError:
        return []


def directories(*parts: str) -> list[Path]:
    """Return the directories /netlab/<parts> that exist, one per hierarchy."""
    return [path for root in hierarchies() if (path := root.joinpath(ROOT, *parts)).is_dir()]


def pids(*parts: str) -> set[int]:
    """Return the processes in /netlab/<parts> and below, zombies left out."""
    found: set[int] = set()
    for directory in directories(*parts):
        for path, _, _ in os.walk(directory):
            with contextlib.suppress(OSError):
                found |= {int(line) for line in Path(path, "cgroup.procs").read_text().split()}
    return {pid for pid in found if processes.find(pid)}


def remove(*parts: str) -> None:
    """Remove /netlab/<parts> with all below it from every hierarchy; what is not there is fine.

    Processes still in it are killed: nobody else's can be in there.

    Raises:
        KernelError: a directory stays although no process is in it, or a process does not end.
    """
    for directory in directories(*parts):
        for path, _, _ in os.walk(directory, topdown=False):
            _remove(Path(path))


def remove_root_if_empty() -> None:
    """Remove /netlab unless another lab has something in it."""
    for directory in directories():
        with contextlib.suppress(OSError):
            directory.rmdir()


def _remove(directory: Path) -> None:
    try:
        directory.rmdir()
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise KernelError(f"rmdir {directory}: {error.strerror}") from error
        _kill_inside(directory)
        try:
            directory.rmdir()
        except OSError as second:
            raise KernelError(f"rmdir {directory}: {second.strerror}") from second


def _kill_inside(directory: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        inside = [processes.find(int(line)) for line in (directory / "cgroup.procs").read_text().split()]
        if left := processes.kill(inside, DEADLINE_S):
            raise KernelError(f"process {left[0]} in {directory} does not end on SIGKILL")
