"""What the machine must have before containers can be run, and the directories made once per lab."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
from pathlib import Path
from typing import Final

from netlab.kernel import installed, memory_volumes, mounts, probes, root
from netlab.kernel.files import PRIVATE, make_directory, translated
from netlab.kernel.findings import Checks, require
from netlab.kernel.poddir import LabDirectories

PROGRAMS: Final = ("crun", "conmon", "catatonit")
# FS_IOC_GETFLAGS, FS_IOC_SETFLAGS and FS_TOPDIR_FL of linux/fs.h, ioctl_iflags(2).
_GET_FLAGS, _SET_FLAGS, _TOP_OF_DIRECTORIES = 0x80086601, 0x40086602, 0x00020000
KERNEL: Final[Checks] = (("seccomp-profile", probes.seccomp_profile), ("cgroups", probes.cgroups))


def check() -> None:
    """Raise HostUnready with the first thing that is missing and its cure."""
    require((("rights", probes.rights), *((name, installed.present) for name in PROGRAMS), *KERNEL))


def make_directories(places: LabDirectories) -> None:
    """Make what all Pods of a lab need; what is there stays.

    Raises:
        HostUnready: containers cannot have their files on the disk of `data`.
        KernelError: a directory cannot be made; a full disk is named as such.
    """
    require([("data-directory", lambda name: probes.data_directory(name, places.data, places.data.parent))])
    for directory in (places.state, places.data):
        with translated("mkdir", directory):
            directory.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            directory.chmod(PRIVATE)
    for directory in (places.exits, places.crun, places.root, places.skeleton, places.state / "pods", places.data / "pods"):
        make_directory(directory, PRIVATE)
    spread(places.data / "pods")
    _make_pause_root(places.pause_root)
    if not os.path.ismount(places.skeleton):
        with translated("mount", places.skeleton):
            mounts.memory(places.skeleton)
    root.make_skeleton(places.skeleton)


def spread(path: Path) -> None:
    """Let the file system put directories in this one far from each other, if it can.

    By default ext4 puts all of them near to the one above. Without a journal it then passes by every inode near there that was
    freed in the last minute, at each file that is made. Source: chattr(1), attribute T; ext4's ialloc.c.
    """
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            [flags] = struct.unpack("i", fcntl.ioctl(handle, _GET_FLAGS, bytes(4)))
            fcntl.ioctl(handle, _SET_FLAGS, struct.pack("i", flags | _TOP_OF_DIRECTORIES))
    finally:
        os.close(handle)


def _make_pause_root(root: Path) -> None:
    """Catatonit and the empty directories that crun mounts on, but does not make."""
    for directory in (root, root / "proc", root / "dev", root / memory_volumes.PLACE.strip("/")):
        make_directory(directory)
    source, target, draft = Path(installed.runtime_program("catatonit") or ""), root / "pause", root / ".pause"
    with translated("copy catatonit to", target):
        if not target.exists() or target.stat().st_size != source.stat().st_size:
            shutil.copyfile(source, draft)
            draft.chmod(0o755)
            draft.replace(target)
