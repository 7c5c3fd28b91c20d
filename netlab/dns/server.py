"""The sockets of the cluster DNS: UDP, and TCP connections with several queries each, of both families, in one loop.

The directory of the file of records is watched. A new file is read in steps of a few milliseconds, between which whoever asks
is answered from the records as they are. There is no thread and no asyncio, which would cost more memory and start-up time
than all the rest.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from netlab.dns.answers import Answers
from netlab.dns.datagrams import Datagrams
from netlab.kernel.inotify import Watch

MAX_CONNECTIONS = 200
IDLE_S = 10.0
READ_S = 0.005
"""How long records are read before sockets have their turn."""
RECEIVE_BYTES = 1 << 20
"""Queries that wait meanwhile; the kernel gives as much of it as net.core.rmem_max allows."""
READ_BYTES = 4096
"""Read from one connection before others have their turn: a hundred queries, a few milliseconds."""
MAX_UNSENT_BYTES = 1 << 18
"""With more than this waiting for a client, nothing further is read from it."""

Address = tuple[str, int]


class Connection:
    """One TCP client: what came and is not a whole query yet, what is not sent yet, and until when it may be idle."""

    __slots__ = ("closing", "deadline", "received", "sock", "unsent")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.received = bytearray()
        self.unsent = bytearray()
        self.closing = False
        self.deadline = 0.0

    def queries(self) -> list[bytes]:
        """Take out and return the whole queries that have come (RFC 1035 4.2.2: each after its length in two bytes)."""
        found, at = [], 0
        while len(self.received) >= at + 2:
            end = at + 2 + int.from_bytes(self.received[at : at + 2], "big")
            if len(self.received) < end:
                break
            found.append(bytes(self.received[at + 2 : end]))
            at = end
        del self.received[:at]
        return found


class Server:
    """Answers on some addresses until it is stopped.

    Args:
        path: the file of records; it may appear later, its directory must exist.
        addresses: hosts, IPv4 or IPv6, and ports to listen on, by UDP and TCP.

    Raises:
        OSError: it cannot listen on one of them. An IPv6 one on a machine without IPv6 is left out, if there are others.
        KernelError: the directory cannot be watched.
    """

    def __init__(self, path: Path, addresses: Sequence[Address]) -> None:
        self._answers = Answers(path)
        self._selector = selectors.DefaultSelector()
        self._watch = Watch([path.parent])
        self._selector.register(self._watch, selectors.EVENT_READ)
        self._connections: dict[socket.socket, Connection] = {}  # the one that was idle longest comes first
        self.addresses = [address for address in addresses if len(addresses) == 1 or _has_family(address)]
        for address in self.addresses:
            self._listen(address)
        self._answers.look()
        while self._answers.are_changing:  # after binding: who asks meanwhile waits in the sockets' queues and is not refused
            self._answers.read_on(READ_S)

    def serve_forever(self) -> None:
        """Answer; comes back only through an exception, such as the SystemExit of a signal handler."""
        while True:
            self.serve_once()

    def serve_once(self) -> None:
        """Wait for what comes next, at most until a connection has been idle too long, and answer it."""
        ready = [key.fileobj for key, _ in self._selector.select(self._patience())]
        if self._watch in ready:
            self._watch.drain()
            self._answers.look()
        self._answers.read_on(READ_S)  # first: a change of a few records is in the very next answer
        for source in ready:
            if isinstance(source, Datagrams):
                source.answer_waiting()
            elif isinstance(source, socket.socket):
                if source in self._connections:
                    self._serve(self._connections[source])
                elif source.fileno() >= 0:  # else it was closed earlier in this very round
                    self._accept(source)
        self._close_idle()

    def _patience(self) -> float | None:
        """How long to wait in seconds; None: as long as it takes."""
        if self._answers.are_changing:
            return 0.0
        oldest = next(iter(self._connections.values()), None)
        return None if oldest is None else max(0.0, oldest.deadline - time.monotonic())

    def _listen(self, address: Address) -> None:
        family = _family(address)
        udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        if family == socket.AF_INET6:
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        udp.bind(address)
        tcp = socket.create_server(address, family=family, backlog=MAX_CONNECTIONS)  # IPv6 alone, if it is IPv6
        tcp.setblocking(False)
        self._selector.register(Datagrams(udp, self._answers.datagram), selectors.EVENT_READ)
        self._selector.register(tcp, selectors.EVENT_READ)

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        if len(self._connections) >= MAX_CONNECTIONS:
            self._close(next(iter(self._connections.values())))
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(sock, selectors.EVENT_READ)
        self._touch(Connection(sock))

    def _serve(self, connection: Connection) -> None:
        """Read what came, answer the whole queries, send what the client takes."""
        try:
            if not connection.closing and len(connection.unsent) < MAX_UNSENT_BYTES:
                self._receive(connection)
            self._send(connection)
        except BlockingIOError:
            pass
        except OSError:
            self._close(connection)
            return
        if connection.closing and not connection.unsent:
            self._close(connection)
            return
        wants_read = not connection.closing and len(connection.unsent) < MAX_UNSENT_BYTES
        events = selectors.EVENT_READ * wants_read | selectors.EVENT_WRITE * bool(connection.unsent)
        self._selector.modify(connection.sock, events)

    def _receive(self, connection: Connection) -> None:
        try:
            received = connection.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        connection.closing = not received
        connection.received += received
        queries = connection.queries()
        for query in queries:
            found = self._answers.stream(query)
            if found is None:  # not DNS: whoever sends this has nothing further to say
                connection.closing = True
                return
            connection.unsent += len(found).to_bytes(2, "big") + found
        if queries:  # half a query does not count: one byte every nine seconds must not hold a connection
            self._touch(connection)

    def _send(self, connection: Connection) -> None:
        while connection.unsent:
            del connection.unsent[: connection.sock.send(connection.unsent)]

    def _touch(self, connection: Connection) -> None:
        """Give a connection its full idle time again, and the last place in the order of closing."""
        connection.deadline = time.monotonic() + IDLE_S
        self._connections.pop(connection.sock, None)
        self._connections[connection.sock] = connection

    def _close_idle(self) -> None:
        now = time.monotonic()
        while self._connections:
            oldest = next(iter(self._connections.values()))
            if oldest.deadline > now:
                return
            self._close(oldest)

    def _close(self, connection: Connection) -> None:
        del self._connections[connection.sock]
        self._selector.unregister(connection.sock)
        connection.sock.close()


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


def _has_family(address: Address) -> bool:
    """Tell whether this kernel knows addresses of this kind; one can be started without IPv6."""
    try:
        socket.socket(_family(address), socket.SOCK_DGRAM).close()
    except OSError:
        return False
    return True
