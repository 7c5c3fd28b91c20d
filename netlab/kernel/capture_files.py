"""Files that a capture writes: whole blocks, at once; a new file when one is full, over the oldest one if there are enough.

Names are those of tcpdump's -C and -W: `x`, `x1`, `x2` ..., or, with a limit on their number, `x0` to `x9`; `-` is standard
output. What has been written is never half a block: where the disk is full, the file is cut behind the last whole one.
Source: tcpdump(8).
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from itertools import accumulate, takewhile
from typing import Final, Self

STDOUT: Final = "-"
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
_READABLE: Final = 0o644


class CaptureFiles:
    """The file that is written now. The next one begins with what `head` is then.

    Args:
        path: of the first file, or STDOUT.
        head: the bytes at the beginning of each file.
        size_bytes: when a file has as many, the next one is begun; 0: never.
        count: so many files are kept; 0: all.

    Raises:
        OSError: a file cannot be made or written, with its name.
    """

    def __init__(self, path: str, head: bytes, *, size_bytes: int = 0, count: int = 0) -> None:
        self._path, self.head, self.size_bytes, self._count = path, head, size_bytes, count
        self._number = self._written = 0
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)

    @property
    def is_full(self) -> bool:
        """Tell whether the next block belongs into the next file."""
        return 0 < self.size_bytes <= self._written

    def write(self, *blocks: bytes) -> None:
        """Write blocks, all at once. Where the disk is full, those that found room whole stay."""
        left = memoryview(b"".join(blocks))
        total = len(left)
        try:
            while left:
                left = left[os.write(self._handle, left) :]
        except OSError as error:
            with contextlib.suppress(OSError):  # a pipe or a device
                if self._path != STDOUT:
                    os.ftruncate(self._handle, self._written + _whole(blocks, total - len(left)))
            error.filename = self._name
            raise
        self._written += total

    def turn(self) -> None:
        """Begin the next file and close this one, which is still to be closed if there is no next one."""
        before = self._handle
        self._number += 1
        try:
            self._open()
        finally:
            if self._handle != before:
                os.close(before)

    def _open(self) -> None:
        self._name = file_name(self._path, self._number, self._count)
        self._handle = os.dup(sys.stdout.fileno()) if self._path == STDOUT else os.open(self._name, _FLAGS, _READABLE)
        self._written = 0
        self.write(self.head)


def _whole(blocks: Iterable[bytes], written: int) -> int:
    """Return where the last block ends that lies within the first bytes."""
    ends = accumulate(map(len, blocks), initial=0)
    return max(takewhile(lambda end: end <= written, ends))


def file_name(path: str, number: int, count: int) -> str:
    """Return the name of a file by its number from 0 on; with a limit to their number all names are as long."""
    if count:
        return f"{path}{number % count:0{len(str(count - 1))}}"
    return f"{path}{number or ''}"
