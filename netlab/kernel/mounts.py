"""Threads in which crun works on a machine with a hybrid cgroup tree, and several Pods worked on at a time.

crun refuses a machine that has cgroup v1 controllers and, in /sys/fs/cgroup/unified, a v2 tree with controllers too (seen on
Firecracker and some cloud images). A thread with a mount namespace of its own covers that directory with an empty tmpfs;
programs started from the thread see it so. All other mounts keep their propagation: network namespaces made or deleted
later by anybody are seen to come and go in here too. On all other machines nothing is mounted and no namespace is made.
Source: crun's libcrun/cgroup.c; unshare(2), mount_namespaces(7).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from netlab.errors import KernelError, NetlabError
from netlab.kernel.netns import DIRECTORY, run_in_thread, run_in_threads

CGROUPS: Final = Path("/sys/fs/cgroup")
WORKERS: Final = 4
TURN_S: Final = 0.0005

TMPFS_MAGIC: Final = 0x01021994
OVERLAYFS_MAGIC: Final = 0x794C7630
CGROUP2_MAGIC: Final = 0x63677270
_CLONE_FS, _CLONE_NEWNS = 0x200, 0x20000
_MS_BIND, _MS_REC, _MS_PRIVATE, _MS_SLAVE = 0x1000, 0x4000, 1 << 18, 1 << 19
_MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
_libc.umount2.argtypes = (ctypes.c_char_p, ctypes.c_int)
_libc.statfs.argtypes = (ctypes.c_char_p, ctypes.c_void_p)
_thread = threading.local()

Result = TypeVar("Result")
Item = TypeVar("Item")


def filesystem_type(path: Path) -> int:
    """Return the magic number of the file system `path` is on. Raises OSError."""
    answer = (ctypes.c_long * 64)()  # struct statfs begins with the type, one long on all 64-bit machines
    _call(_libc.statfs, os.fsencode(path), ctypes.byref(answer))
    return int(answer[0]) & 0xFFFFFFFF


def is_hybrid() -> bool:
    """Tell whether the machine has cgroup v1 controllers and v2 controllers side by side."""
    try:
        return filesystem_type(CGROUPS) == TMPFS_MAGIC and bool((CGROUPS / "unified/cgroup.controllers").read_text().strip())
    except OSError:
        return False


def inside(function: Callable[[], Result]) -> Result:
    """Return what `function` returns where crun works: in this thread if it does, else in a fresh one."""
    if getattr(_thread, "covered", False) or not is_hybrid():
        return function()

    def covered() -> Result:
        _cover()
        return function()

    return run_in_thread(covered)


def privately(function: Callable[[], Result]) -> Result:
    """Return what `function` returns in a fresh thread with a view of the mounts of its own, which goes with it.

    What is mounted there is seen by the programs started from it and by nobody else. Mounts of the machine are seen to come and
    go in there, but for the names of network namespaces: of these there are none, as each of many such views would have all.
    Raises KernelError if the kernel refuses that.
    """

    def private() -> Result:
        try:
            _call(_libc.unshare, _CLONE_FS | _CLONE_NEWNS)
            _call(_libc.mount, None, b"/", None, _MS_REC | _MS_SLAVE, None)
            with contextlib.suppress(OSError):  # nobody made a mount of it
                _call(_libc.umount2, os.fsencode(DIRECTORY), _MNT_DETACH)
        except OSError as error:
            raise KernelError(f"make a private view of the mounts: {error.strerror}") from error
        return function()

    return run_in_thread(private)


def bind(descriptor: int, target: Path) -> None:
    """Mount what a descriptor stands for at `target`, with what is mounted below it. Raises OSError."""
    _call(_libc.mount, b"/proc/self/fd/%d" % descriptor, os.fsencode(target), None, _MS_BIND | _MS_REC, None)


def overlay(target: Path, options: str) -> None:
    """Mount an overlay at `target`. Raises OSError."""
    _call(_libc.mount, b"overlay", os.fsencode(target), b"overlay", 0, os.fsencode(options))


def memory(target: Path) -> None:
    """Mount an empty file system in memory at `target`, for root only. Raises OSError."""
    _call(_libc.mount, b"none", os.fsencode(target), b"tmpfs", 0, b"mode=700")


def unmount(target: Path) -> None:
    """Take away what is mounted at `target`; nothing there, nothing happens. Raises OSError."""
    try:
        _call(_libc.umount2, os.fsencode(target), _MNT_DETACH)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOENT}:
            raise


def each(
    work: Mapping[str, Sequence[Item]],
    do: Callable[[Item], object],
    workers: int = WORKERS,
    beside: Callable[[], None] = lambda: None,
) -> dict[str, NetlabError | None]:
    """Call `do` for every item; those under one key in order, so many keys at a time, in threads where crun works.

    `beside` is called in a thread of its own, which is awaited too.
    Returns for each key the error that ended its row, or None. Other exceptions than NetlabError are raised.
    """
    waiting = deque(work)
    results: dict[str, NetlabError | None] = {}

    def worker() -> None:
        _cover()
        while True:
            try:
                key = waiting.popleft()  # one thread at a time
            except IndexError:
                return
            results[key] = _row(work[key], do)

    with _short_turns():
        run_in_threads([*[worker] * min(workers, len(work)), beside])
    return {key: results[key] for key in work}


@contextlib.contextmanager
def _short_turns() -> Iterator[None]:
    """Let a thread whose program has ended go on within half a millisecond, while another one computes; 5 ms is usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(min(TURN_S, usual))
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def _row(items: Sequence[Item], do: Callable[[Item], object]) -> NetlabError | None:
    try:
        for item in items:
            do(item)
    except NetlabError as error:
        return error
    return None


def _cover() -> None:
    """Give the calling thread its own view of /sys/fs/cgroup, if the machine is of that kind."""
    if getattr(_thread, "covered", False) or not is_hybrid():
        return
    try:
        _call(_libc.unshare, _CLONE_FS | _CLONE_NEWNS)
        _call(_libc.mount, None, os.fsencode(CGROUPS), None, _MS_REC | _MS_PRIVATE, None)
        _call(_libc.mount, b"none", os.fsencode(CGROUPS / "unified"), b"tmpfs", 0, b"mode=755")
    except OSError as error:
        raise KernelError(f"cover {CGROUPS}/unified for crun: {error.strerror}") from error
    _thread.covered = True


def _call(function: Callable[..., int], *arguments: object) -> None:
    if function(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
