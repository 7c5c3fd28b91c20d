"""cgroup directories of a lab: /netlab/<lab>/<Pod uid>/<container>, in every hierarchy the machine has.

crun makes them and removes a container's own one; the directories above it are removed here. A directory can be removed
only when no process is in it and none below it exists. Source: cgroups(7).
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from netlab.errors import KernelError
from netlab.kernel import processes
from netlab.kernel.mounts import CGROUP2_MAGIC, CGROUPS, TMPFS_MAGIC, filesystem_type

ROOT: Final = "netlab"
DEADLINE_S: Final = 5.0
REMINDER_S: Final = 0.006
MEMBERSHIP: Final = Path("/proc/self/cgroup")
SWAPS: Final = Path("/proc/swaps")


def hierarchies() -> list[Path]:
    """Return the roots of the cgroup trees: one with cgroup v2, one per controller (and perhaps a v2 tree) with v1."""
    try:
        return list(_trees(filesystem_type(CGROUPS / "unified")))
    except OSError:
        return list(_trees(0))


@functools.cache
def _trees(_: int) -> tuple[Path, ...]:
    """The roots, for threads that see a file system of this type in the place of the v2 tree (mounts.py)."""
    try:
        if filesystem_type(CGROUPS) == CGROUP2_MAGIC:
            return (CGROUPS,)
        with os.scandir(CGROUPS) as entries:
            found = [CGROUPS / entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        return tuple(path for path in sorted(found) if filesystem_type(path) != TMPFS_MAGIC)  # a covered v2 tree
    except OSError:
        return ()


def expect_moves() -> None:
    """Let moves of processes between cgroups that come within some 20 ms go at once; returns immediately, changes nothing.

    For the first move in a while the kernel waits until every CPU has passed a quiet point, 8-15 ms, and whoever asked waits
    with it. Here a thread asks for the move of this process to where it is, while there is other work to do. With cgroup v2
    crun starts a process where it belongs. Source: kernel/cgroup/cgroup.c, cgroup_attach_lock; kernel/rcu/sync.c.
    """
    threading.Thread(target=_stay, name="cgroups", daemon=True).start()


@contextlib.contextmanager
def expecting_moves() -> Iterator[None]:
    """The same for moves at any time inside the block: what is asked for holds for 10-14 ms, and is asked for anew before.

    For a few only: each asking takes a lock that all changes of cgroups need, and where many come they do it for each other.
    """
    ended = threading.Event()
    threading.Thread(target=_stay, args=(ended.wait,), name="cgroups", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _stay(ended: Callable[[float], bool] = lambda _: True) -> None:
    with contextlib.suppress(OSError, ValueError):
        membership = [line.split(":", 2) for line in MEMBERSHIP.read_text().splitlines()]
        trees = (CGROUPS.joinpath(names, path.lstrip("/"), "cgroup.procs") for _, names, path in membership if names)
        if (procs := next((path for path in trees if path.exists()), None)) is not None:
            with procs.open("wb", buffering=0) as file:
                file.write(b"0")
                while not ended(REMINDER_S):
                    file.write(b"0")


def directories(*parts: str) -> list[Path]:
    """Return the directories /netlab/<parts> that exist, one per hierarchy."""
    return [path for root in hierarchies() if (path := root.joinpath(ROOT, *parts)).is_dir()]


def write(files: Mapping[str, str], *parts: str) -> None:
    """Write those of the files that the directories /netlab/<parts> have.

    Raises:
        KernelError: the kernel refuses a value.
    """
    for root in hierarchies():
        directory = "/".join((str(root), ROOT, *parts))
        for name, text in files.items():
            _write_if_there(f"{directory}/{name}", text)


def _write_if_there(path: str, text: str) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(handle, text.encode())
        finally:
            os.close(handle)
    except FileNotFoundError:  # the file of another controller
        return
    except OSError as error:
        raise KernelError(f"write {path}: {error.strerror}") from error


def counts_swap() -> bool:
    """Tell whether the machine swaps, and counts for each cgroup how much."""
    v1 = CGROUPS / "memory/memory.memsw.limit_in_bytes"
    return len(SWAPS.read_text().splitlines()) > 1 and (hierarchies() == [CGROUPS] or v1.exists())


def pids(*parts: str) -> set[int]:
    """Return the processes in /netlab/<parts> and below, zombies left out. One tree is asked: all have the same ones."""
    found: set[int] = set()
    for directory in directories(*parts)[:1]:
        for path in _all_below(str(directory)):
            with contextlib.suppress(OSError), open(f"{path}/cgroup.procs") as file:  # noqa: PTH123 - many, and quickly
                found |= {int(line) for line in file}
    return {pid for pid in found if processes.find(pid)}


def remove(*parts: str) -> None:
    """Remove /netlab/<parts> with all below it from every hierarchy; what is not there is fine.

    Processes still in it are killed: nobody else's can be in there.

    Raises:
        KernelError: a directory stays although no process is in it, or a process does not end.
    """
    for directory in directories(*parts):
        for path in _all_below(str(directory)):
            _remove(path)


def remove_root_if_empty() -> None:
    """Remove /netlab unless another lab has something in it."""
    for directory in directories():
        with contextlib.suppress(OSError):
            directory.rmdir()


def _all_below(directory: str) -> Iterator[str]:
    """Yield the directories below this one, the deepest first, and then itself.

    The kernel counts in the links of a directory those in it: most have none, and need not be searched for one.
    """
    with contextlib.suppress(FileNotFoundError):
        if os.stat(directory).st_nlink > 2:  # noqa: PLR2004, PTH116 - itself and its name
            with os.scandir(directory) as entries:
                below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
            for path in below:
                yield from _all_below(path)
    yield directory


def _remove(directory: str) -> None:
    try:
        os.rmdir(directory)  # noqa: PTH106 - some for each container of a lab
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise KernelError(f"rmdir {directory}: {error.strerror}") from error
        _kill_inside(directory)
        try:
            os.rmdir(directory)  # noqa: PTH106
        except OSError as second:
            raise KernelError(f"rmdir {directory}: {second.strerror}") from second


def _kill_inside(directory: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        inside = [processes.find(int(line)) for line in Path(directory, "cgroup.procs").read_text().split()]
        if left := processes.kill(inside, DEADLINE_S):
            raise KernelError(f"process {left[0]} in {directory} does not end on SIGKILL")
