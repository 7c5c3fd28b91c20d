"""One lock per lab: who holds it may change the lab. Given up by the kernel when the holder dies, however it dies.

`down` removes the file together with the lab. Whoever waited for it then holds the lock of a file that is no more, so the
file is looked at again after the lock is there. Source: flock(2).
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from netlab.errors import NotFound

FLOCK = "hhqqi"  # struct flock: l_type, l_whence, l_start, l_len, l_pid


@contextmanager
def locked(path: Path, *, create: bool = False, waiting: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Hold the lock inside the block.

    Args:
        path: the lock file.
        create: make the file and its directory if they are missing.
        waiting: called with the holder's pid once, if the lock is not free at once.

    Raises:
        NotFound: there is no such file.
    """
    while True:
        if create:
            path.parent.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0), 0o600)
        except FileNotFoundError:
            if create:
                continue  # `down` took the directory away in this very moment
            raise NotFound(f"there is no lab {path.parent.name!r}; `netlab up --lab {path.parent.name}` makes it") from None
        try:
            _acquire(handle, waiting)
            if not _is_file(handle, path):
                continue
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
            yield
            return
        finally:
            os.close(handle)


def _acquire(handle: int, waiting: Callable[[str], None]) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting(os.pread(handle, 20, 0).decode(errors="replace"))
        fcntl.flock(handle, fcntl.LOCK_EX)


def _is_file(handle: int, path: Path) -> bool:
    try:
        found = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    held = os.fstat(handle)
    return (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino)


@contextmanager
def kept(path: Path) -> Iterator[bool]:
    """Try to be the one that keeps `path` locked for its whole life; yield whether this process is.

    A record lock (fcntl(2)), because the kernel tells who holds it, without anybody having to try to take it: see `keeper`.
    It would be lost if this process opened and closed the file once more, so nobody does.
    """
    with path.open("a") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def keeper(path: Path) -> int | None:
    """Return the pid of the process that keeps `path` locked, or None."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        answer = fcntl.fcntl(handle, fcntl.F_GETLK, struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    finally:
        os.close(handle)
    kind, _, _, _, pid = struct.unpack(FLOCK, answer)
    return None if kind == fcntl.F_UNLCK else int(pid)
