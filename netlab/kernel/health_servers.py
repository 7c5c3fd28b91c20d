"""Small answers of HTTP at many ports of many namespaces: one loop, sockets that do not block, no thread for a client.

A socket belongs for ever to the namespace of the thread that made it, so a thread enters the namespace, makes it and ends. A
namespace ends with its last socket: those of one that has lost its name are closed at the next `listen`.

No client can keep others away: each has HEAD_BYTES and DEADLINE_S for all it says, and where there are MOST_CLIENTS, the
oldest one of the address that has most of them gives its place to the newcomer. A client that has its answer may read it to
the end: the connection is closed by halves, as what it still sends would else reset it.
Source: network_namespaces(7); tcp(7); RFC 9110, RFC 9112 (sections 2, 3, 9.6).
"""

from __future__ import annotations

import os
import resource
import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Final

from netlab.errors import KernelError
from netlab.kernel import netns
from netlab.netstate.listening import Listener, Reply
from netlab.netstate.names import NetnsName

HEAD_BYTES: Final = 1 << 13
DEADLINE_S: Final = 5.0
MOST_CLIENTS: Final = 128
BACKLOG: Final = 128
AT_ONCE: Final = 16  # clients that are taken from one port before the others get their turn
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
END_OF_HEAD: Final = b"\r\n\r\n"

Identity = tuple[int, int]


class HealthServers:
    """Answers requests.

    All methods but `wake` belong to one thread, which is not the main one.

    Args:
        answer: returns what is said at a Listener to a request for a path.
        clock: seconds that only go forward.
    """

    def __init__(self, answer: Callable[[Listener, str], Reply], clock: Callable[[], float] = time.monotonic) -> None:
        self._answer, self._clock = answer, clock
        self._selector = selectors.DefaultSelector()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._selector.register(self._wake, READ, lambda _: os.eventfd_read(self._wake))
        self._open: dict[Listener, tuple[Identity, socket.socket]] = {}
        self._clients: dict[Client, None] = {}  # the oldest first

    def listen(self, wanted: Collection[Listener]) -> dict[Listener, str]:
        """Listen there, and nowhere else, from now on; return those that cannot be had, and why."""
        there = {name: netns.identity(name) for name in {listener.netns for listener in wanted}}
        for listener in [one for one, (where, _) in self._open.items() if one not in wanted or where != there[one.netns]]:
            self._close(listener)
        missing: dict[NetnsName, list[Listener]] = {}
        for listener in wanted:
            if listener not in self._open:
                missing.setdefault(listener.netns, []).append(listener)
        room = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2 - MOST_CLIENTS
        failures: dict[Listener, str] = {}
        for name, listeners in missing.items():
            where = there[name]
            allowed = max(0, room - len(self._open))
            failures |= dict.fromkeys(listeners[allowed:], "too many open files")
            if where is None:
                failures |= dict.fromkeys(listeners, "no such network namespace")
            else:
                failures |= self._listen_in(name, where, listeners[:allowed])
        return failures

    def wake(self) -> None:
        """Make `wait` return now; any thread may call this."""
        os.eventfd_write(self._wake, 1)

    def wait(self, timeout_s: float | None = None) -> None:
        """Serve whoever is there, as soon as somebody is; return when woken too, and after `timeout_s`."""
        first = next(iter(self._clients), None)
        pauses = [] if first is None else [max(0.0, first.deadline - self._clock())]
        pauses += [] if timeout_s is None else [timeout_s]
        for key, events in self._selector.select(min(pauses, default=None)):
            key.data(events)
        now = self._clock()
        for client in [one for one in self._clients if one.deadline <= now]:
            client.close()

    def close(self) -> None:
        """Close everything that is open."""
        for client in list(self._clients):
            client.close()
        for listener in list(self._open):
            self._close(listener)
        self._selector.close()
        os.close(self._wake)

    def _listen_in(self, name: NetnsName, where: Identity, listeners: Iterable[Listener]) -> dict[Listener, str]:
        failures: dict[Listener, str] = {}

        def inside() -> list[tuple[Listener, socket.socket]]:
            made = []
            for listener in listeners:
                try:
                    made.append((listener, _listening(listener)))
                except OSError as error:
                    failures[listener] = (error.strerror or str(error)).lower()
            return made

        try:
            made = netns.in_namespace(name, inside)
        except (OSError, KernelError) as error:
            return dict.fromkeys(listeners, str(getattr(error, "strerror", None) or error))
        for listener, waiting in made:
            self._open[listener] = where, waiting
            self._selector.register(waiting, READ, partial(self._accept, listener, waiting))
        return failures

    def _close(self, listener: Listener) -> None:
        _, waiting = self._open.pop(listener)
        self._selector.unregister(waiting)
        waiting.close()

    def _accept(self, listener: Listener, waiting: socket.socket, _: int) -> None:
        for _ in range(AT_ONCE):
            try:
                taken, peer = waiting.accept()
            except OSError:  # none is left, or it went away meanwhile
                return
            if len(self._clients) >= MOST_CLIENTS:
                self._make_room()
            taken.setblocking(False)
            client = Client(
                self._selector, taken, peer=str(peer[0]), deadline=self._clock() + DEADLINE_S,
                answer=partial(self._answer, listener), closed=self._forget,
            )  # fmt: skip
            self._clients[client] = None

    def _make_room(self) -> None:
        [(crowd, _)] = Counter(client.peer for client in self._clients).most_common(1)
        next(client for client in self._clients if client.peer == crowd).close()

    def _forget(self, client: Client) -> None:
        self._clients.pop(client, None)


class Client:
    """One client: hears its request, answers, and waits until it has read the answer."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        end: socket.socket,
        *,
        peer: str,
        deadline: float,
        answer: Callable[[str], Reply],
        closed: Callable[[Client], object],
    ) -> None:
        self.peer, self.deadline = peer, deadline
        self._selector, self._socket, self._answer, self._closed = selector, end, answer, closed
        self._heard, self._unsent, self._is_answered = b"", memoryview(b""), False
        selector.register(end, READ, self._serve)

    def close(self) -> None:
        """End the connection."""
        with suppress(KeyError, ValueError):
            self._selector.unregister(self._socket)
        self._socket.close()
        self._closed(self)

    def _serve(self, events: int) -> None:
        try:
            if events & READ:
                self._hear()
            elif self._unsent:
                self._say()
        except BlockingIOError:
            return
        except OSError:
            self.close()

    def _hear(self) -> None:
        heard = self._socket.recv(HEAD_BYTES)
        if not heard:
            self.close()
        elif not self._is_answered:
            self._heard += heard
            if END_OF_HEAD in self._heard or len(self._heard) >= HEAD_BYTES:
                self._is_answered = True
                self._unsent = memoryview(respond(self._heard, self._answer))
                self._say()

    def _say(self) -> None:
        self._selector.modify(self._socket, WRITE, self._serve)
        self._unsent = self._unsent[self._socket.send(self._unsent) :]
        if not self._unsent:
            self._socket.shutdown(socket.SHUT_WR)
            self._selector.modify(self._socket, READ, self._serve)


def respond(head: bytes, answer: Callable[[str], Reply]) -> bytes:
    """Return the whole response to the head of a request. Whatever the method, it is answered; HEAD without the body."""
    line, separator, _ = head.partition(b"\r\n")
    words = line.split(b" ")
    if END_OF_HEAD not in head:
        reply = Reply(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "request is too large\n")
    elif not separator or len(words) != 3 or not words[2].startswith(b"HTTP/1.") or not words[0].isalpha():  # noqa: PLR2004
        reply = Reply(HTTPStatus.BAD_REQUEST, "this is no request of HTTP/1.1\n")
    else:
        reply = answer(words[1].partition(b"?")[0].decode("latin-1"))
    body = reply.body.encode()
    headers = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"} | dict(reply.headers)
    headers |= {
        "Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()),
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode("latin-1") + (b"" if words[0] == b"HEAD" else body)


def _listening(listener: Listener) -> socket.socket:
    """Return a new socket of the thread's namespace that waits for clients. Raises OSError."""
    family = socket.AF_INET6 if ":" in listener.address else socket.AF_INET
    waiting = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        waiting.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            waiting.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        waiting.bind((listener.address, listener.port))
        waiting.listen(BACKLOG)
    except OSError:
        waiting.close()
        raise
    return waiting
