"""Volumes in memory: each a tmpfs that only the Pod's pause process has among its mounts, and so goes with it.

No table of mounts but that one has an entry, whoever is killed. A container gets a volume as a clone of the mount: taken in a
thread that has entered the view of the pause process (open_tree(2) clones nothing of others' views), attached by its file
descriptor in the view in which the container is made. Whoever ends the pause process empties the volume, as a reboot does.
Source: mount_namespaces(7), open_tree(2), move_mount(2), tmpfs(5).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from netlab.errors import KernelError
from netlab.kernel import processes
from netlab.kernel.files import make_directory
from netlab.kernel.netns import run_in_thread
from netlab.kernel.poddir import WORLD_WRITABLE, component
from netlab.kernel.processes import Process
from netlab.netstate.volume import Scratch

PLACE: Final = "/volumes"
_CLONE_FS, _CLONE_NEWNS = 0x200, 0x20000
_OPEN_TREE, _MOVE_MOUNT = 428, 429  # on all architectures
_AT_FDCWD, _AT_SYMLINK_NOFOLLOW = -100, 0x100
_OPEN_TREE_CLONE, _MOVE_MOUNT_F_EMPTY_PATH = 1, 0x4
_SET_GROUP_ID = 0o2000

_libc = ctypes.CDLL(None, use_errno=True)


def oci_mounts(volumes: Iterable[Scratch], fs_group: int | None) -> Iterator[dict[str, Any]]:
    """Yield the mounts of the pause process for the volumes that are in memory; `fs_group` owns them, if there is one."""
    wanted = [volume for volume in volumes if volume.in_memory]
    if wanted:
        yield {"destination": PLACE, "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=755", "size=64k"]}
    mode = WORLD_WRITABLE if fs_group is None else WORLD_WRITABLE | _SET_GROUP_ID
    owner = [] if fs_group is None else [f"gid={fs_group}"]
    for volume in wanted:
        size = [f"size={volume.size_bytes}"] if volume.size_bytes else []
        place = f"{PLACE}/{component(volume.name)}"
        yield {"destination": place, "type": "tmpfs", "source": "tmpfs", "options": ["nodev", f"mode={mode:o}", *owner, *size]}


def attach(pause: Process, name: str, target: Path) -> None:
    """Mount a volume at `target`, in this thread's own view (mounts.privately). Raises KernelError."""
    make_directory(target.parent)
    make_directory(target)
    place = f"{PLACE}/{component(name)}"
    try:
        clone = run_in_thread(lambda: _taken(pause, place))
        try:
            _call(_MOVE_MOUNT, clone, b"", _AT_FDCWD, os.fsencode(target), _MOVE_MOUNT_F_EMPTY_PATH)
        finally:
            os.close(clone)
    except OSError as error:
        raise KernelError(f"mount volume {name}: {error.strerror}") from error


def _taken(pause: Process, place: str) -> int:
    """A descriptor of a mount of the pause process that nobody has among his mounts. Raises OSError."""
    view = os.open(f"/proc/{pause.pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if not processes.is_alive(pause):  # asked after the file is open: it is no stranger's
            raise ProcessLookupError(0, "the sandbox has ended")
        if _libc.unshare(_CLONE_FS) or _libc.setns(view, _CLONE_NEWNS):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(view)
    return _call(_OPEN_TREE, _AT_FDCWD, os.fsencode(place), _OPEN_TREE_CLONE | os.O_CLOEXEC | _AT_SYMLINK_NOFOLLOW)


def _call(number: int, *arguments: object) -> int:
    found = int(_libc.syscall(number, *arguments))
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return found
