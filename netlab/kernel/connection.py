"""One check that asks over TCP: connect, perhaps TLS, perhaps some words. It never blocks: it says what it waits for.

Whose certificate a server shows does not matter, as to the kubelet. Source: connect(2), Python's ssl (non-blocking sockets).
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, TypeVar

from netlab.errors import KernelError
from netlab.kernel.conversations import Reply, broken, conversation, too_late
from netlab.netstate.health import HttpCheck, Outcome, SocketCheck
from netlab.netstate.links import socket_text

if TYPE_CHECKING:
    import ssl

CHUNK_BYTES: Final = 1 << 16
MOST_REDIRECTS: Final = 10
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE

Ended = Callable[[Outcome], None]
Result = TypeVar("Result")
Waits = Generator[int, None, Result]
"""What yields the events that it waits for, and returns in the end."""


class Connection:
    """A check that is being asked.

    Args:
        selector: what calls back when the socket is ready.
        new_socket: makes a socket in the network namespace of a check.
        check: what is asked.
        ended: told the outcome, once.
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        new_socket: Callable[[SocketCheck], socket.socket],
        check: SocketCheck,
        ended: Ended,
    ) -> None:
        self._selector, self._new_socket, self._check, self._ended = selector, new_socket, check, ended
        self._socket = new_socket(check)
        self._is_open = False
        self._steps = self._ask()

    def begin(self) -> None:
        """Ask as far as that goes without waiting."""
        self._go_on(0)

    def give_up(self) -> None:
        """Its time is over."""
        self._end(too_late(self._check, connected=self._is_open))

    def _go_on(self, _: int) -> None:
        try:
            events = next(self._steps)
        except StopIteration as stop:
            self._end(stop.value)
        except (OSError, KernelError) as error:
            self._end(broken(self._check, (getattr(error, "strerror", None) or str(error)).lower()))
        else:
            self._wait(events)

    def _wait(self, events: int) -> None:
        try:
            self._selector.modify(self._socket, events, self._go_on)
        except KeyError:
            self._selector.register(self._socket, events, self._go_on)

    def _end(self, outcome: Outcome) -> None:
        self._steps.close()
        self._close()
        self._ended(outcome)

    def _close(self) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(self._socket)
        self._socket.close()

    def _ask(self) -> Waits[Outcome]:
        for _ in range(MOST_REDIRECTS + 1):
            reply = yield from self._ask_once()
            if isinstance(reply, Outcome):
                return reply
            self._close()
            self._check = reply
            self._socket = self._new_socket(reply)
        return broken(self._check, f"stopped after {MOST_REDIRECTS} redirects")

    def _ask_once(self) -> Waits[Outcome | HttpCheck]:
        if (trouble := (yield from self._connect())) is not None:
            return trouble
        self._is_open = True
        talk = conversation(self._check)
        reply: Reply = talk.opening()
        while isinstance(reply, bytes):
            while reply:
                sent = yield from self._patiently(lambda words=reply: self._socket.send(words), WRITE)  # type: ignore[misc]
                reply = reply[sent:]
            heard = yield from self._patiently(lambda: self._socket.recv(CHUNK_BYTES), READ)
            reply = talk.heard(heard)
        return reply

    def _connect(self) -> Waits[Outcome | None]:
        host, port = self._check.host, self._check.port
        try:
            ip_address(host)
        except ValueError:  # a Node of a lab has no resolver
            return broken(self._check, f"dial tcp: lookup {host}: no such host")
        code = self._socket.connect_ex((host, port))
        if code == errno.EINPROGRESS:
            yield WRITE
            code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            return broken(self._check, f"dial tcp {socket_text(host, port)}: connect: {os.strerror(code).lower()}")
        if isinstance(self._check, HttpCheck) and self._check.tls:
            with suppress(KeyError):
                self._selector.unregister(self._socket)
            secured = _tls().wrap_socket(self._socket, do_handshake_on_connect=False)
            self._socket = secured
            yield from self._patiently(secured.do_handshake, READ)
        return None

    def _patiently(self, act: Callable[[], Result], events: int) -> Waits[Result]:
        """Do `act` as soon as the socket lets it. TLS may have to read in order to write, and the other way round."""
        while True:
            try:
                return act()
            except BlockingIOError:
                yield events
            except OSError as error:
                wanted = {"SSLWantReadError": READ, "SSLWantWriteError": WRITE}.get(type(error).__name__)
                if wanted is None:
                    raise
                yield wanted


@cache
def _tls() -> ssl.SSLContext:
    import ssl  # noqa: PLC0415 - only for HTTPS

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
