"""The one request that a trace sends: a real connection, datagram or ping from a process of the sender's namespace.

The socket exists before anything is sent, so its port is known and instruments can be set to it. Nothing here waits: whoever
reads the instruments meanwhile calls `advance` in between. Source: connect(2), tcp(7), udp(7), icmp(7), ipv6(7).
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable
from typing import Final, Literal

from netlab.kernel import netns
from netlab.netstate.links import is_ipv6
from netlab.netstate.names import NetnsName

State = Literal["asked", "answered", "failed"]

CHUNK_BYTES: Final = 1 << 16
MOST_BYTES: Final = 1 << 22  # of an answer; the rest is not read
_ECHO: Final = {socket.AF_INET: 8, socket.AF_INET6: 128}
_ANSWER: Final = {socket.AF_INET: 0, socket.AF_INET6: 129}
_IP_RECVERR: Final = {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}
_TTL: Final = {
    socket.AF_INET: (socket.IPPROTO_IP, socket.IP_TTL), socket.AF_INET6: (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS),
}  # fmt: skip
_CHECKSUM_AT: Final = 2


class Talk:
    """A request that is about to be sent.

    `port` is the one it is sent from (of a ping, its identifier). `state` becomes `answered`, or `failed` with the words of the
    sender's own system in `trouble`; `heard` is the answer. Raises KernelError if there is no such namespace, OSError.
    """

    def __init__(self, name: NetnsName, to: str, kind: socket.SocketKind, protocol: int = 0, *, ttl: int = 0) -> None:
        self.state: State = "asked"
        self.port, self.trouble, self.heard = 0, "", b""
        self.family = socket.AF_INET6 if is_ipv6(to) else socket.AF_INET
        self.socket = netns.in_namespace(name, lambda: socket.socket(self.family, kind, protocol))
        self.socket.setblocking(False)
        if ttl:
            self.socket.setsockopt(*_TTL[self.family], ttl)

    def begin(self) -> None:
        """Send it."""
        self._try(self._begin)

    def advance(self) -> None:
        """Go on as far as that is possible without waiting; `state` says how far it has come."""
        if self.state == "asked":
            self._try(self._go_on)

    def close(self) -> None:
        """End it, as a program does that has heard enough; a second time is fine."""
        self.socket.close()

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except BlockingIOError:
            return
        except OSError as error:
            self.state = "failed"
            self.trouble = os.strerror(error.errno) if error.errno else str(error)

    def _begin(self) -> None:
        raise NotImplementedError

    def _go_on(self) -> None:
        raise NotImplementedError


class TcpTalk(Talk):
    """A connection: answered when it is established; with `words`, when these were sent and the other side has said its all."""

    def __init__(self, name: NetnsName, to: str, port: int, *, words: bytes = b"", ttl: int = 0) -> None:
        super().__init__(name, to, socket.SOCK_STREAM, ttl=ttl)
        self._target, self._words, self._is_asking = (to, port), words, bool(words)
        self.socket.bind(("", 0))
        self.port = self.socket.getsockname()[1]

    def _begin(self) -> None:
        code = self.socket.connect_ex(self._target)
        if code in {errno.EINPROGRESS, errno.EALREADY}:
            raise BlockingIOError(code, os.strerror(code))
        if code not in {0, errno.EISCONN}:
            raise OSError(code, os.strerror(code))

    def _go_on(self) -> None:
        self._begin()
        while self._words:
            self._words = self._words[self.socket.send(self._words) :]
        while self._is_asking and len(self.heard) < MOST_BYTES:
            part = self.socket.recv(CHUNK_BYTES)
            self.heard += part
            self._is_asking = bool(part)
        self.state = "answered"


class UdpTalk(Talk):
    """A datagram: answered by another one, failed by an error of ICMP."""

    def __init__(self, name: NetnsName, to: str, port: int, *, words: bytes, ttl: int = 0) -> None:
        super().__init__(name, to, socket.SOCK_DGRAM, ttl=ttl)
        self._target, self._words = (to, port), words
        self.socket.bind(("", 0))
        self.port = self.socket.getsockname()[1]

    def _begin(self) -> None:
        self.socket.connect(self._target)
        self.socket.send(self._words)

    def _go_on(self) -> None:
        self.heard = self.socket.recv(CHUNK_BYTES)
        self.state = "answered"


class Ping(Talk):
    """An echo request: answered by the reply to it, failed by an error of ICMP."""

    def __init__(self, name: NetnsName, to: str, *, words: bytes, ttl: int = 0) -> None:
        protocol = socket.IPPROTO_ICMPV6 if is_ipv6(to) else socket.IPPROTO_ICMP
        super().__init__(name, to, socket.SOCK_RAW, protocol, ttl=ttl)
        self._target, self._words = (to, 0), words
        self.port = int.from_bytes(os.urandom(2), "big") or 1

    def _begin(self) -> None:
        packet = struct.pack("!BBHHH", _ECHO[self.family], 0, 0, self.port, 1) + self._words
        if self.family == socket.AF_INET:  # of ICMPv6 the kernel computes the checksum
            packet = packet[:_CHECKSUM_AT] + checksum(packet).to_bytes(2, "big") + packet[_CHECKSUM_AT + 2 :]
        self.socket.setsockopt(*_IP_RECVERR[self.family], 1)
        self.socket.connect(self._target)
        self.socket.send(packet)

    def _go_on(self) -> None:
        while self.state == "asked":
            data = self.socket.recv(CHUNK_BYTES)
            if self.family == socket.AF_INET:
                data = data[(data[0] & 15) * 4 :]
            if data[:1] == bytes([_ANSWER[self.family]]) and int.from_bytes(data[4:6], "big") == self.port:
                self.heard, self.state = data[8:], "answered"


def checksum(data: bytes) -> int:
    """Return the Internet checksum of some bytes (RFC 1071)."""
    padded = data + bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
