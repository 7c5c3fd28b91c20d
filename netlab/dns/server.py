"""The sockets of the cluster DNS: one UDP socket, and TCP connections with several queries each, in one loop.

Before every answer the file of records is looked at (one stat): if it is a different one, it is read. A file that cannot be
read or is malformed is reported once, and the last good records stay. Answers are kept by the bytes of their question until
the records change. There is no thread and no asyncio, which would cost more memory and start-up time than all the rest.
"""

from __future__ import annotations

import random
import selectors
import socket
import sys
import time
from pathlib import Path

from netlab.dns.answer import answer
from netlab.dns.snapshot import Snapshot, SnapshotError, parse

CACHE_ENTRIES = 10_000
CACHED_QUERY_BYTES = 512
TURNS = 12
"""Rotations of one answer: even for 1, 2, 3, 4, 6 and 12 records."""
MAX_CONNECTIONS = 200
IDLE_S = 10.0
BURST = 64
"""Datagrams answered before TCP has its turn."""
READ_BYTES = 65536
MAX_UNSENT_BYTES = 4 * READ_BYTES
"""With more than this waiting for a client, nothing further is read from it."""


class Records:
    """The newest good snapshot of a file, and the answers made from it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.snapshot: Snapshot | None = None
        self._seen: tuple[int, ...] | None = None
        self._answers: dict[tuple[bytes, bool, int], bytes | None] = {}

    def refresh(self) -> None:
        """Read the file if it is another one than the last time; report on stderr what is wrong with it."""
        try:
            state = self.path.stat()
            seen: tuple[int, ...] = (state.st_mtime_ns, state.st_ino, state.st_size)
        except OSError:
            seen = ()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self.snapshot = parse(self.path.read_text(encoding="ascii"))
        except (OSError, UnicodeDecodeError, SnapshotError) as error:
            log(f"{self.path}: {error}; the records stay as they were")
            return
        self._answers.clear()

    def answer(self, query: bytes, *, udp: bool) -> bytes | None:
        """Return the answer to `query` from the newest records, or None if there is to be none."""
        self.refresh()
        turn = random.randrange(TURNS)  # noqa: S311  # fairness, not secrecy
        key = (query[2:], udp, turn)
        if key in self._answers:
            found = self._answers[key]
        else:
            found = answer(query, self.snapshot, udp=udp, turn=turn)
            if len(query) <= CACHED_QUERY_BYTES:
                if len(self._answers) >= CACHE_ENTRIES:
                    self._answers.clear()
                self._answers[key] = found
        return found and query[:2] + found[2:]


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
    """Answers on one address until it is stopped.

    Args:
        path: the file of records; it may appear later, and until then every answer is SERVFAIL.
        host: the IPv4 address to listen on.
        port: the UDP and TCP port.
    """

    def __init__(self, path: Path, host: str, port: int) -> None:
        self.records = Records(path)
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((host, port))
        self._listener = socket.create_server((host, port), backlog=MAX_CONNECTIONS)
        self._selector = selectors.DefaultSelector()
        for sock in (self._udp, self._listener):
            sock.setblocking(False)
            self._selector.register(sock, selectors.EVENT_READ)
        self._connections: dict[socket.socket, Connection] = {}  # the one that was idle longest comes first
        self.records.refresh()  # after binding: who asks meanwhile waits in the sockets' queues and is not refused

    def serve_forever(self) -> None:
        """Answer; comes back only through an exception, such as the SystemExit of a signal handler."""
        while True:
            self.serve_once()

    def serve_once(self) -> None:
        """Wait for the next packets, at most until a connection has been idle too long, and answer them."""
        oldest = next(iter(self._connections.values()), None)
        timeout = None if oldest is None else max(0.0, oldest.deadline - time.monotonic())
        for key, _ in self._selector.select(timeout):
            sock = key.fileobj
            if sock is self._udp:
                self._answer_datagrams()
            elif sock is self._listener:
                self._accept()
            elif sock in self._connections:  # else it was closed earlier in this very round
                self._serve(self._connections[sock])
        self._close_idle()

    def _answer_datagrams(self) -> None:
        for _ in range(BURST):
            try:
                query, client = self._udp.recvfrom(READ_BYTES)
                found = self.records.answer(query, udp=True)
                if found:
                    self._udp.sendto(found, client)
            except OSError:  # nothing more to read, no room to send, or a client that is gone: DNS clients ask again
                return

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
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
            found = self.records.answer(query, udp=False)
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


def log(text: str) -> None:
    """Write one line to the container's log."""
    sys.stderr.write(f"netlab.dns: {text}\n")
    sys.stderr.flush()
