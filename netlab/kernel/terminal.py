"""A terminal of ours and one of a command, tied together: what is typed goes in, what is printed comes out.

    keyboard, screen (ours, raw)  <->  Relay  <->  master | slave (the command's /dev/pts/0, its controlling terminal)

Our terminal is raw as long as the two are tied: Ctrl-C, Ctrl-Z and all else are characters, and the command's own terminal
makes signals of them. It is put back as it was on every way out. Nothing that was printed is lost when the command ends:
reading a master takes what its slave was given before it says that there is no more. When the relay ends first (`hang_up`),
the master is closed, which tells the programs in the container that their terminal is gone (SIGHUP), as when a window closes.
crun starts a command and sets its terminal's size side by side: one that asks in its very first millisecond may, once in some
fifty times, find none yet. It is told of its size by SIGWINCH then, like every other program.
Source: tty(4), pty(7), termios(3), ioctl_tty(2).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import selectors
import struct
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from netlab.kernel.files import translated

if TYPE_CHECKING:
    import socket

CHUNK_BYTES: Final = 65536
REST_READS: Final = 256  # more than a terminal holds; a program left behind may go on printing
TYPED_AHEAD_BYTES: Final = 65536  # so much is kept for a command that does not read; the rest waits in our own terminal
_SIZE: Final = "HHHH"  # struct winsize: rows, columns, and two that nobody uses
_GONE: Final = frozenset({errno.EIO, errno.EPIPE, errno.EBADF})

Size = tuple[int, int]
"""Rows and columns."""


def size_of(*handles: int | None) -> Size | None:
    """Return the size of the first of these that is a terminal and knows it, None if there is none."""
    for handle in handles:
        if handle is not None:
            with contextlib.suppress(OSError):
                rows, columns, *_ = struct.unpack(_SIZE, fcntl.ioctl(handle, termios.TIOCGWINSZ, bytes(8)))
                if rows and columns:
                    return rows, columns
    return None


def set_size(handle: int, size: Size) -> None:
    """Give a terminal a size; the programs in its foreground get SIGWINCH if it is another one. Raises OSError."""
    fcntl.ioctl(handle, termios.TIOCSWINSZ, struct.pack(_SIZE, *size, 0, 0))


@contextlib.contextmanager
def raw(handle: int | None) -> Iterator[None]:
    """Let a terminal hand on every character as it is; afterwards it is as it was. Nothing happens to anything else."""
    try:
        before = termios.tcgetattr(handle) if handle is not None else None
    except termios.error:  # no terminal
        before = None
    if handle is None or before is None:
        yield
        return
    try:
        tty.setraw(handle, termios.TCSANOW)
        yield
    finally:
        with contextlib.suppress(termios.error):  # the window was closed
            termios.tcsetattr(handle, termios.TCSANOW, before)


@contextlib.contextmanager
def console_socket(path: Path) -> Iterator[socket.socket]:
    """Listen for the program that makes a terminal and sends its master. Raises KernelError."""
    import socket  # noqa: PLC0415 - for a terminal only

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with translated("listen on", path):
            listener.bind(str(path))
            listener.listen(1)
        yield listener
    finally:
        listener.close()
        path.unlink(missing_ok=True)


def received_master(listener: socket.socket, ended: int) -> int | None:
    """Return the master that is sent, the caller's to close; None if the sender ended (`ended` is readable) without it."""
    from socket import recv_fds  # noqa: PLC0415 - as above

    ready, _, _ = select.select([listener.fileno(), ended], [], [])
    if listener.fileno() not in ready:
        return None
    connection, _ = listener.accept()
    with connection:
        _, handles, _, _ = recv_fds(connection, CHUNK_BYTES, 1)
    return handles[0] if handles else None


class Relay:
    """Ties our terminal to a master until the command ends.

    `resize` and `hang_up` are for signal handlers: they may be called at any time, from another thread too.

    Args:
        master: the command's side; closed by `close`.
        keyboard: where we read, None if nothing is typed; anything else than a terminal is passed on until its end.
        screen: where we write.
        ended: readable as soon as the command has ended (a pidfd).
    """

    def __init__(self, *, master: int, keyboard: int | None, screen: int, ended: int) -> None:
        self._master, self._keyboard, self._screen = master, keyboard, screen
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._typed = b""
        self._reads_keyboard = keyboard is not None
        self._is_terminal = keyboard is not None and os.isatty(keyboard)  # one that was closed is none any more
        self._state: Literal["tied", "ended", "lost"] = "tied"
        self._guard = threading.RLock()  # a handler may interrupt `close` in the same thread
        self._is_closed = False
        self._selector = selectors.PollSelector()  # epoll refuses ordinary files
        os.set_blocking(master, False)
        self._selector.register(ended, selectors.EVENT_READ, self._end)
        self._selector.register(self._wake, selectors.EVENT_READ, self._lose)
        self._balance()

    def run(self) -> None:
        """Pass on what comes until the command has ended, `hang_up` was called, or our terminal is gone."""
        self.resize()
        with raw(self._keyboard):
            while self._state == "tied":
                for key, events in self._selector.select():
                    key.data(events)
            for _ in range(REST_READS):
                if self._state == "lost" or not (data := _read(self._master)):
                    break
                self._print(data)

    def resize(self) -> None:
        """Make the command's terminal as large as ours."""
        size = size_of(self._keyboard, self._screen)
        with self._guard, contextlib.suppress(OSError):
            if size and not self._is_closed:
                set_size(self._master, size)

    def hang_up(self) -> None:
        """End `run` soon."""
        with self._guard:
            if not self._is_closed:
                os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """Close the master and what is the relay's own."""
        with self._guard:
            self._is_closed = True
            self._selector.close()
            os.close(self._wake)
            os.close(self._master)

    def _end(self, _: int) -> None:
        self._state = "ended"

    def _lose(self, _: int = 0) -> None:
        self._state = "lost"

    def _type(self, _: int) -> None:
        """Take what was typed. A terminal has no end but its loss; a file or pipe has one."""
        if self._keyboard is None:
            return
        data = _read(self._keyboard)
        if data == b"":
            self._reads_keyboard = False
            if self._is_terminal:
                self._lose()
        self._typed += data or b""
        self._balance()

    def _serve_master(self, events: int) -> None:
        if events & selectors.EVENT_READ:
            data = _read(self._master)
            if data == b"":  # nobody has the slave open any more; the command itself may still run
                self._selector.unregister(self._master)
                self._reads_keyboard, self._typed = False, b""
                self._watch(self._keyboard, 0, self._type)
                return
            self._print(data or b"")
        if events & selectors.EVENT_WRITE:
            with contextlib.suppress(OSError):
                self._typed = self._typed[os.write(self._master, self._typed) :]
        self._balance()

    def _balance(self) -> None:
        """Write only while there is something to write, read the keyboard only while there is room."""
        has_room = self._reads_keyboard and len(self._typed) < TYPED_AHEAD_BYTES
        writing = selectors.EVENT_WRITE if self._typed else 0
        self._watch(self._master, selectors.EVENT_READ | writing, self._serve_master)
        self._watch(self._keyboard, selectors.EVENT_READ if has_room else 0, self._type)

    def _watch(self, handle: int | None, events: int, callback: Callable[[int], None]) -> None:
        """Look for these events, or for none."""
        is_known = handle is not None and handle in self._selector.get_map()
        if handle is None or (not is_known and not events):
            return
        if not is_known:
            self._selector.register(handle, events, callback)
        elif events:
            self._selector.modify(handle, events, callback)
        else:
            self._selector.unregister(handle)

    def _print(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._screen, rest) :]
            except BlockingIOError:
                select.select([], [self._screen], [])
            except OSError as error:
                if error.errno not in _GONE:
                    raise
                self._lose()
                return


def _read(handle: int) -> bytes | None:
    """What can be read now; empty at the end, None if there is nothing yet. A master without slave has ended (EIO)."""
    try:
        return os.read(handle, CHUNK_BYTES)
    except BlockingIOError:
        return None
    except OSError as error:
        if error.errno not in _GONE:
            raise
        return b""
