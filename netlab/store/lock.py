"""One lock per lab: who holds it may change the lab. Given up by the kernel when the holder dies, however it dies.

`down` removes the file together with the lab. Whoever waited for it then holds the lock of a file that is no more, so the
file is looked at again after the lock is there. Source: flock(2).
"""

from __future__ import annotations

import fcntl
import os
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from netlab.errors import NotFound

PATIENCE_S = 1.0
FLOCK = "hhqqi"  # struct flock: l_type, l_whence, l_start, l_len, l_pid


@contextmanager
def locked(path: Path, *, create: bool = False, waiting: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Hold the lock inside the block.

    Args:
        path: the lock file.
        create: make the file and its directory if they are missing.
        waiting: called with the holder's pid once, if the lock is not free for so long that one begins to wonder.

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
        timer = threading.Timer(PATIENCE_S, lambda: waiting(os.pread(handle, 20, 0).decode(errors="replace")))
        timer.start()
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        finally:
            timer.cancel()
            timer.join()  # it may be about to read the file, which is closed next


def _is_file(handle: int, path: Path) -> bool:
    try:
        found = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    held = os.fstat(handle)
    return (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino)


def keep(path: Path) -> int | None:
    """Take `path` for the life of a process; return the open file that holds it, or None if another process does.

    The lock belongs to the open file and not to the process (open file description lock, fcntl(2)): a child that inherits
    the file inherits the lock, and it ends with the last of them. Whether it is held can be asked without trying to take it.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.fcntl(handle, fcntl.F_OFD_SETLK, _record(fcntl.F_WRLCK))
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def is_kept(path: Path) -> bool:
    """Tell whether some process keeps `path`."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        answer = fcntl.fcntl(handle, fcntl.F_OFD_GETLK, _record(fcntl.F_WRLCK))
    finally:
        os.close(handle)
    return int(struct.unpack(FLOCK, answer)[0]) != fcntl.F_UNLCK


def _record(kind: int) -> bytes:
    """A struct flock over the whole file; the kernel wants pid 0 for locks of open files."""
    return struct.pack(FLOCK, kind, os.SEEK_SET, 0, 0, 0)
