"""TCP connections to a port of this machine, carried on into a network namespace.

    client ---> 127.0.0.1:8080 here   ~   127.0.0.1:80 there ---> the program in the Pod

A socket belongs for ever to the namespace of the thread that made it: a thread enters the namespace, makes the socket and
ends; all that follows is ordinary work with two sockets, in one loop, without threads. Each direction holds one chunk: as long
as the receiver does not take it, nothing more is read, so the sender feels how slow the receiver is. The end of one direction
is passed on alone (half-close), a reset as a reset.
Source: network_namespaces(7), setns(2); tcp(7), socket(7) (SO_LINGER); RFC 9293 §3.6.
"""

from __future__ import annotations

import errno
import os
import resource
import selectors
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, Literal

from netlab.errors import KernelError
from netlab.frozen import dataclass
from netlab.kernel.netns import in_namespace
from netlab.netstate.names import NetnsName

LOOPBACK: Final = "127.0.0.1"
CHUNK_BYTES: Final = 1 << 18
BACKLOG: Final = 128
SPARE_HANDLES: Final = 64  # of those a process may open, the ones that are not for connections
RESET: Final = struct.pack("ii", 1, 0)  # struct linger: on, at once
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that waits for clients, and the port in the namespace that they are carried to."""

    socket: socket.socket
    local: int
    remote: int


class Forwarder:
    """Carries connections into one namespace.

    Args:
        netns: the namespace.
        accepted: told of each client: the local port.
        failed: told of each client that could not be carried on: the local port, the remote port, the reason.
    """

    def __init__(
        self, netns: NetnsName, *, accepted: Callable[[int], object], failed: Callable[[int, int, str], object]
    ) -> None:
        self._netns, self._accepted, self._failed = netns, accepted, failed
        self._selector = selectors.DefaultSelector()
        self._listeners: list[Listener] = []
        self._links: set[Link] = set()
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = max(1, (soft - SPARE_HANDLES) // 2)
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._over: Literal["", "ended", "stopped"] = ""
        self._selector.register(self._wake, READ, lambda _: self._end("stopped"))

    def listen(self, address: str, port: int, remote: int) -> int:
        """Wait for clients at an address and port of this machine (0: a free one); return the port. Raises OSError."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        waiting = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            waiting.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                waiting.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            waiting.bind((address, port))
            waiting.listen(BACKLOG)
        except OSError:
            waiting.close()
            raise
        listener = Listener(waiting, int(waiting.getsockname()[1]), remote)
        self._listeners.append(listener)
        self._balance()
        return listener.local

    def run(self, ended: int) -> bool:
        """Carry connections until the file descriptor `ended` is readable (False) or `stop` was called (True)."""
        self._selector.register(ended, READ, lambda _: self._end("ended"))
        try:
            while not self._over:
                for key, events in self._selector.select():
                    key.data(events)
        finally:
            self._selector.unregister(ended)
        return self._over == "stopped"

    def stop(self) -> None:
        """End `run` soon. A signal handler may call this: nothing is left half-done, as an exception would leave it."""
        os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """Close all sockets."""
        for link in list(self._links):
            link.close()
        for listener in self._listeners:
            listener.socket.close()
        self._selector.close()
        os.close(self._wake)

    def _end(self, how: Literal["ended", "stopped"]) -> None:
        self._over = how

    def _balance(self) -> None:
        """Take clients only while there are file descriptors for them; the others wait in the backlog."""
        has_room = len(self._links) < self._most
        for listener in self._listeners:
            watch(self._selector, listener.socket, READ if has_room else 0, partial(self._accept, listener))

    def _accept(self, listener: Listener, _: int) -> None:
        try:
            client, _ = listener.socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self._accepted(listener.local)
        failed = partial(self._failed, listener.local, listener.remote)
        try:
            inside = self._connecting(listener.remote)
        except (OSError, KernelError) as error:
            client.close()
            failed(str(getattr(error, "strerror", error)))
            return
        client.setblocking(False)
        self._links.add(Link(self._selector, client, inside, failed=failed, closed=self._forget))
        self._balance()

    def _forget(self, link: Link) -> None:
        self._links.discard(link)
        self._balance()

    def _connecting(self, port: int) -> socket.socket:
        """A socket of the namespace that is being connected. Raises OSError, KernelError."""
        kind = socket.SOCK_STREAM | socket.SOCK_NONBLOCK
        made = in_namespace(self._netns, lambda: socket.socket(socket.AF_INET, kind))
        code = made.connect_ex((LOOPBACK, port))
        if code not in {0, errno.EINPROGRESS}:
            made.close()
            raise OSError(code, os.strerror(code))
        return made


class Link:
    """One client and the connection it is carried on by."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        client: socket.socket,
        inside: socket.socket,
        *,
        failed: Callable[[str], object],
        closed: Callable[[Link], object],
    ) -> None:
        self._selector, self._failed, self._closed = selector, failed, closed
        self._ends = (client, inside)
        self._flows = (Flow(client, inside), Flow(inside, client))
        self._serving = {end: partial(self._serve, end) for end in self._ends}
        self._is_connected, self._is_open = False, True
        watch(selector, inside, WRITE, self._serving[inside])

    def close(self) -> None:
        """Close both ends."""
        self._is_open = False
        for end in self._ends:
            watch(self._selector, end, 0, self._serving[end])
            end.close()

    def _connect(self) -> None:
        """Find out how the attempt to connect has ended."""
        code = self._ends[1].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._failed(os.strerror(code))
            self._end()
            return
        self._is_connected = True
        for end in self._ends:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._balance()

    def _serve(self, end: socket.socket, events: int) -> None:
        if not self._is_open:  # closed by what the other end told in the same round
            return
        if not self._is_connected:
            self._connect()
            return
        try:
            for flow in self._flows:
                if (events & READ and flow.source is end) or (events & WRITE and flow.sink is end):
                    flow.move()
        except OSError:
            for one in self._ends:
                with suppress(OSError):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._end()
            return
        if all(flow.is_done for flow in self._flows):
            self._end()
        else:
            self._balance()

    def _balance(self) -> None:
        for end in self._ends:
            reads = any(flow.source is end and flow.wants_more for flow in self._flows)
            writes = any(flow.sink is end and flow.pending for flow in self._flows)
            watch(self._selector, end, READ * reads | WRITE * writes, self._serving[end])

    def _end(self) -> None:
        self.close()
        self._closed(self)


class Flow:
    """What goes in one direction. `pending` was read and not yet taken; `is_done`: so was the end."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source, self.sink = source, sink
        self.pending = memoryview(b"")
        self.is_done = False
        self._has_ended = False

    @property
    def wants_more(self) -> bool:
        """Tell whether the next chunk may be read."""
        return not self.pending and not self._has_ended

    def move(self) -> None:
        """Read a chunk if there is room, write what can be written, pass the end on. Raises OSError: an end is broken."""
        with suppress(BlockingIOError):
            if self.wants_more:
                self.pending = memoryview(self.source.recv(CHUNK_BYTES))
                self._has_ended = not self.pending
            while self.pending:
                self.pending = self.pending[self.sink.send(self.pending) :]
        if self._has_ended and not self.pending and not self.is_done:
            self.is_done = True
            self.sink.shutdown(socket.SHUT_WR)


def watch(selector: selectors.BaseSelector, end: socket.socket, events: int, callback: Callable[[int], object]) -> None:
    """Look for these events of a socket, or for none. A selector does not take "none" for an answer."""
    known = selector.get_map().get(end)
    if known is None:
        if events:
            selector.register(end, events, callback)
    elif not events:
        selector.unregister(end)
    elif known.events != events:
        selector.modify(end, events, callback)
