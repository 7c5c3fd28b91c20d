"""Files in a container's root directory, reached as the container would: no link in an image leads out of it.

`/` and `..` stand for the root directory itself (openat2.py). What is read is a regular file of bounded size: a FIFO or a
device would block, or worse.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from netlab.kernel.openat2 import IN_ROOT, open_below

LARGEST: Final = 1 << 20


@contextlib.contextmanager
def opened(root: int, path: str, flags: int) -> Iterator[int]:
    """Open a path below the directory `root` (a file descriptor) inside the block. Raises OSError."""
    handle = open_below(root, path, flags, IN_ROOT)
    try:
        yield handle
    finally:
        os.close(handle)


def read_in_root(root: int, path: str) -> str:
    """Return the text of a file, at most LARGEST bytes of it; empty if there is no regular file at this path."""
    try:
        with opened(root, path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY) as handle:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return ""
            return os.read(handle, LARGEST).decode(errors="replace")
    except OSError:
        return ""


def is_directory(root: int, name: str) -> bool:
    """Tell whether an entry of the root itself is a directory and not a link to one; one that is missing counts as one."""
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=root, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return True


def make_directories(root: int, path: str, mode: int = 0o755) -> None:
    """Make a directory and those above it, unless they are there. Raises OSError."""
    parts = PurePosixPath("/", path).parts[1:]
    for depth in range(len(parts)):
        above = PurePosixPath("/", *parts[:depth])
        with opened(root, str(above), os.O_PATH | os.O_DIRECTORY) as parent, contextlib.suppress(FileExistsError):
            os.mkdir(parts[depth], mode, dir_fd=parent)
