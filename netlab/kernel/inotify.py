"""Waiting for files to change, without asking again and again. Source: inotify(7).

Python has no inotify of its own; three calls of the C library are all that is needed.
"""

from __future__ import annotations

import ctypes
import os
import select
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from netlab.errors import KernelError

IN_MODIFY = 0x2
IN_CLOSE_WRITE = 0x8
IN_MOVED_TO = 0x80
IN_DELETE = 0x200
IN_DELETE_SELF = 0x400
FLAGS = os.O_NONBLOCK | os.O_CLOEXEC
BUFFER_BYTES = 65536

_libc = ctypes.CDLL(None, use_errno=True)


class Watch:
    """Directories under watch: a file in them was written and closed, or moved in, or the directory itself is gone.

    With `modified` each single write counts too, with `deleted` a file that goes. Raises KernelError if a directory does not
    exist.
    """

    def __init__(self, directories: Iterable[Path], *, modified: bool = False, deleted: bool = False) -> None:
        self._handle = _libc.inotify_init1(FLAGS)
        if self._handle < 0:
            raise KernelError(f"inotify_init1: {os.strerror(ctypes.get_errno())}")
        for directory in directories:
            mask = IN_MOVED_TO | IN_DELETE_SELF | (IN_MODIFY if modified else IN_CLOSE_WRITE) | (IN_DELETE if deleted else 0)
            if _libc.inotify_add_watch(self._handle, os.fsencode(directory), mask) < 0:
                number = ctypes.get_errno()
                self.close()
                raise KernelError(f"inotify_add_watch {directory}: {os.strerror(number)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop watching."""
        os.close(self._handle)

    def fileno(self) -> int:
        """The descriptor that can be read when something changed; for selectors."""
        return int(self._handle)

    def wait(self, timeout_s: float | None) -> bool:
        """Return True as soon as something changed since the last call, False when `timeout_s` is over first."""
        ready, _, _ = select.select([self._handle], [], [], timeout_s)
        if ready:
            self.drain()
        return bool(ready)

    def drain(self) -> None:
        """Forget what happened so far."""
        try:
            while os.read(self._handle, BUFFER_BYTES):
                pass
        except BlockingIOError:
            return
