"""openat2(2), which Python does not have: a path that is walked by the kernel and never leads out of a directory.

    BENEATH ..... a link or `..` that leads out is an error (EXDEV)
    IN_ROOT ..... `/` and `..` stand for the directory itself, as in a container

The links of /proc (RESOLVE_NO_MAGICLINKS) are refused in both cases. Source: openat2(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import Final

BENEATH: Final = 0x08
IN_ROOT: Final = 0x10
_NO_MAGIC_LINKS: Final = 0x02
_OPENAT2: Final = 437  # on all architectures
_ATTEMPTS: Final = 100
_libc = ctypes.CDLL(None, use_errno=True)


def open_below(root: int, path: str, flags: int, resolve: int) -> int:
    """Return a descriptor of what is at `path` below a directory. Raises OSError."""
    how = struct.pack("QQQ", flags | os.O_CLOEXEC, 0, resolve | _NO_MAGIC_LINKS)
    for _ in range(_ATTEMPTS):
        found = int(_libc.syscall(_OPENAT2, root, os.fsencode(path), how, len(how)))
        if found >= 0:
            return found
        if ctypes.get_errno() != errno.EAGAIN:  # somebody moved what we walked through
            break
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
