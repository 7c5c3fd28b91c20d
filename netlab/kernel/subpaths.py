"""A path inside a volume, mounted without ever leaving the volume, whatever a container does in it at the same time.

A container may write into a volume and replace a directory by a link to / between any two looks of ours. So the kernel walks
(openat2 with RESOLVE_BENEATH: a link or `..` that leads out is an error, also one that appears meanwhile), and what is mounted
is the file that was opened, not its path. The mount stands in a view of the mounts that only the container's maker has
(mounts.privately): the machine never sees it, and it needs no clearing away, whoever is killed.
Source: openat2(2); Kubernetes docs, Volumes (subPath), and the advisories CVE-2017-1002101 and CVE-2021-25741.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netlab.kernel import mounts
from netlab.kernel.crun import Unprepared
from netlab.kernel.files import make_directory, translated
from netlab.kernel.openat2 import BENEATH, open_below
from netlab.netstate.process import BindMount


def attach(volume: Path, mount: BindMount, target: Path, container: str) -> None:
    """Mount `mount.sub_path` of a volume at `target`, in this thread's own view; a missing directory is made.

    Raises:
        Unprepared: the path leads out of the volume, or cannot be made; which of the two is not said, because it would tell
            about the machine.
        KernelError: the target cannot be made, or the kernel refuses the mount.
    """
    try:
        with _opened(os.open(volume, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)) as root:
            try:
                found = open_beneath(root, mount.sub_path)
            except FileNotFoundError:
                make_beneath(root, mount.sub_path)
                found = open_beneath(root, mount.sub_path)
        with _opened(found):
            _prepare(target, is_directory=stat.S_ISDIR(os.fstat(found).st_mode))
            mounts.bind(found, target)
    except OSError as error:
        raise Unprepared(f'failed to prepare subPath for volumeMount "{mount.volume}" of container "{container}"') from error


def open_beneath(root: int, path: str) -> int:
    """Return a descriptor (O_PATH) of what is at `path` below a directory. Raises OSError, EXDEV if the path leads out."""
    return open_below(root, path, os.O_PATH, BENEATH)


def make_beneath(root: int, path: str) -> None:
    """Make the directories of `path` that are missing, with the mode of the volume itself. Raises OSError."""
    mode = stat.S_IMODE(os.fstat(root).st_mode)
    parts = Path(path).parts
    for depth, name in enumerate(parts):
        with _opened(open_beneath(root, str(Path(*parts[:depth])))) as parent:
            try:
                os.mkdir(name, 0o700, dir_fd=parent)
            except FileExistsError:
                continue
            with _opened(os.open(name, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)) as made:
                os.fchmod(made, mode)


@contextmanager
def _opened(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _prepare(target: Path, *, is_directory: bool) -> None:
    """Something of the right sort to mount over."""
    make_directory(target.parent)
    if is_directory:
        make_directory(target)
    else:
        with translated("make", target):
            target.touch()
