"""What an iterator yields, made by a process beside us: on another processor, while we do something with it.

The process is a copy of ours (fork), so it has the iterator and all that this needs. What it makes comes through a pipe as a
copy, too (marshal), and must be plain data. It ends when it is done, or as soon as nobody wants more of it.
Source: fork(2), pipe(7); Python's library reference, marshal.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import signal
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, Final, TypeVar

from netlab.kernel import interrupts

T = TypeVar("T")
_SIZE_BYTES: Final = 8
_END: Final = bytes(_SIZE_BYTES)


def beside(items: Iterable[T]) -> Iterator[T]:
    """Yield plain data that `items` yields, which only the other process asks for.

    Raises:
        ChildProcessError: there is no room for that process, or it ended early: by an exception of `items`, or killed.
    """
    reader, writer = os.pipe2(os.O_CLOEXEC)
    with open(reader, "rb") as here:  # noqa: PTH123 - a descriptor
        with open(writer, "wb") as there:  # noqa: PTH123
            child = _start(items, here, there)
        try:
            yield from _read(here)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _start(items: Iterable[Any], here: BinaryIO, there: BinaryIO) -> int:
    """Return the number of the process that writes them."""
    with interrupts.held():
        try:
            child = os.fork()
        except OSError as error:
            raise ChildProcessError(error.errno, error.strerror) from error
        if child == 0:
            try:
                interrupts.forget()
                here.close()
                _write(items, there)
            finally:
                os._exit(0)  # never back into our caller's code, not even by an exception
    return child


def _write(items: Iterable[Any], pipe: BinaryIO) -> None:
    for item in items:
        data = marshal.dumps(item)
        pipe.write(len(data).to_bytes(_SIZE_BYTES, "big") + data)
        pipe.flush()  # somebody waits for it
    pipe.write(_END)
    pipe.flush()


def _read(pipe: BinaryIO) -> Iterator[T]:
    while (size := pipe.read(_SIZE_BYTES)) != _END:
        data = pipe.read(int.from_bytes(size, "big"))
        if len(size) < _SIZE_BYTES or len(data) < int.from_bytes(size, "big"):
            raise ChildProcessError
        yield marshal.loads(data)  # noqa: S302 - our own process wrote it
