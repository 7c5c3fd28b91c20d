"""Netlink itself: attributes, messages and a socket that sends many requests at once. Source: netlink(7), linux/netlink.h.

Why not pyroute2: its import costs every command 0.13 s, as long as `up` takes to build three Nodes, and the agent 13 MB;
with one of its NetNS objects each, Pod networks are made seven times slower (scripts/bench measures both side by side).
This file knows the framing only; rtnetlink.py knows links and addresses, conntrack.py flows.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from netlab.frozen import dataclass
from netlab.kernel.closable import Closable

NETLINK_ROUTE: Final = 0
NETLINK_NETFILTER: Final = 12

NLM_F_REQUEST: Final = 0x1
NLM_F_ACK: Final = 0x4
NLM_F_REPLACE: Final = 0x100
NLM_F_EXCL: Final = 0x200
NLM_F_CREATE: Final = 0x400
NLM_F_DUMP: Final = 0x300

_NLMSG_ERROR: Final = 2
_NLMSG_DONE: Final = 3
_NLM_F_DUMP_INTR: Final = 0x10
_NLA_TYPE_MASK: Final = 0x3FFF
_NLA_F_NESTED: Final = 0x8000
_SOL_NETLINK: Final = 270
_NETLINK_ADD_MEMBERSHIP: Final = 1
_NETLINK_CAP_ACK: Final = 10
_NETLINK_GET_STRICT_CHK: Final = 12
_SO_NETNS_COOKIE: Final = 71
_SO_SNDBUFFORCE: Final = 32
_SO_RCVBUFFORCE: Final = 33
_RECEIVE_BYTES: Final = 1 << 18
# The kernel drops answers that do not fit the receive buffer (about 270 of them by default): ask in portions.
_BATCH: Final = 100

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")


@dataclass(frozen=True, slots=True)
class Message:
    """One request: its type, its flags besides REQUEST, and its bytes (fixed header plus attributes)."""

    kind: int
    flags: int
    payload: bytes


def attribute(kind: int, value: bytes) -> bytes:
    """Return one attribute: length, type, value, padded to four bytes."""
    return _ATTRIBUTE.pack(len(value) + 4, kind) + value + bytes(-len(value) % 4)


def nested(kind: int, *attributes: bytes) -> bytes:
    """Return an attribute that holds `attributes`, flagged as nested, as nfnetlink and newer rtnetlink families want it."""
    return attribute(kind | _NLA_F_NESTED, b"".join(attributes))


def text(kind: int, value: str) -> bytes:
    """Return an attribute that holds a string ending in NUL."""
    return attribute(kind, value.encode() + b"\0")


def number(kind: int, value: int) -> bytes:
    """Return an attribute that holds an unsigned number of 32 bits in the machine's byte order."""
    return attribute(kind, value.to_bytes(4, "little" if _LITTLE else "big"))


_LITTLE: Final = struct.pack("=H", 1) == b"\x01\x00"


def attributes(payload: bytes, offset: int = 0) -> dict[int, bytes]:
    """Return the attributes of `payload` from `offset` on as {type: bytes of the value}; of repeated types the last wins."""
    found: dict[int, bytes] = {}
    end = len(payload)
    while offset + 4 <= end:
        length, kind = _ATTRIBUTE.unpack_from(payload, offset)
        if length < _ATTRIBUTE.size:
            break
        found[kind & _NLA_TYPE_MASK] = payload[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found


class NetlinkSocket(Closable):
    """A netlink socket of the namespace in which the calling thread is now; it stays there when the thread moves on."""

    def __init__(self, protocol: int = NETLINK_ROUTE) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self._sequence = 0
        try:
            # Answers without a copy of the request; dumps filtered by the kernel (Linux 4.20), else by the reader.
            self._socket.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
            self._socket.setsockopt(_SOL_NETLINK, _NETLINK_GET_STRICT_CHK, 1)
            self._socket.bind((0, 0))
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """The file descriptor, for ioctl."""
        return self._socket.fileno()

    @property
    def cookie(self) -> int | None:
        """The number of the namespace, which no other one has until the machine stops; None before Linux 5.14."""
        try:
            return int.from_bytes(self._socket.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8), sys.byteorder)
        except OSError:
            return None

    def close(self) -> None:
        """Close it; a second time is fine."""
        self._socket.close()

    def listen(self, groups: Sequence[int], buffer_bytes: int) -> None:
        """Be told what the kernel tells these multicast groups, as much as `buffer_bytes` hold between two calls of `heard`."""
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, buffer_bytes)
        for group in groups:
            self._socket.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, group)

    def heard(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield (type, flags, payload) of each message that waits, and do not wait for any.

        Raises OSError: ENOBUFS if some were lost, because they came faster than they were read; it is said once.
        """
        for data in iter(self._waiting, b""):
            yield from ((kind, flags, payload) for kind, flags, _, payload in _split(data))

    def _waiting(self) -> bytes:
        """Return the next datagram that waits, nothing if none does."""
        try:
            return self._socket.recv(_RECEIVE_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return b""

    def request(self, messages: Sequence[Message]) -> list[int]:
        """Send all `messages` in as few calls as possible and return each one's errno, 0 for done.

        The kernel handles them in order and does not stop at one that fails. Raises OSError if the socket itself fails.
        """
        errors: list[int] = []
        for start in range(0, len(messages), _BATCH):
            errors += self._portion(messages[start : start + _BATCH])
        return errors

    def transaction(self, messages: Sequence[Message], buffer_bytes: int) -> dict[int, int]:
        """Send all `messages`, `buffer_bytes` at most, in one call; return the errno of each that was refused, by its place.

        For families that answer only what they refuse, before the call returns. Raises OSError: ENOBUFS if that was too much.
        """
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, buffer_bytes)
        first = self._send(messages, 0) - len(messages) + 1
        found = {}
        for data in iter(self._waiting, b""):
            found.update(
                {number_ - first: -_errno(payload) for kind, _, number_, payload in _split(data) if kind == _NLMSG_ERROR}
            )
        return found

    def ask(self, message: Message) -> bytes:
        """Send one question and return the payload of its answer. Raises OSError with the kernel's errno."""
        sequence = self._send([message], message.flags)
        for _, number_, payload in self._receive():
            if number_ == sequence:
                return payload
        raise OSError(0, "no answer")  # pragma: no cover - _receive yields or raises

    def dump(self, message: Message) -> list[bytes]:
        """Return the payloads of all objects that a dump lists; asked again if the table changed meanwhile."""
        for _ in range(_ATTEMPTS):
            payloads, consistent = self._dump_once(message)
            if consistent:
                break
        return payloads

    def _dump_once(self, message: Message) -> tuple[list[bytes], bool]:
        sequence = self._send([message], message.flags | NLM_F_DUMP)
        payloads: list[bytes] = []
        consistent = True
        while True:
            for kind, flags, number_, payload in _split(self._socket.recv(_RECEIVE_BYTES)):
                if number_ != sequence:
                    continue
                consistent = consistent and not flags & _NLM_F_DUMP_INTR
                if kind in {_NLMSG_DONE, _NLMSG_ERROR}:
                    _raise_for(payload)
                    return payloads, consistent
                payloads.append(payload)

    def _portion(self, messages: Sequence[Message]) -> list[int]:
        """Only the last message asks to be acknowledged: failures of the others are reported before that anyway."""
        last = self._send(messages, NLM_F_ACK)
        first = last - len(messages) + 1
        errors = [0] * len(messages)
        while True:
            for kind, _, number_, payload in _split(self._socket.recv(_RECEIVE_BYTES)):
                if kind == _NLMSG_ERROR and first <= number_ <= last:
                    errors[number_ - first] = -_errno(payload)
                    if number_ == last:
                        return errors

    def _send(self, messages: Sequence[Message], last_flags: int) -> int:
        """Send `messages` in one datagram; `last_flags` are added to the last one's. Return its sequence number."""
        parts: list[bytes] = []
        for position, message in enumerate(messages, start=1):
            self._sequence += 1
            flags = message.flags | NLM_F_REQUEST | (last_flags if position == len(messages) else 0)
            length = _HEADER.size + len(message.payload)
            parts += [_HEADER.pack(length, message.kind, flags, self._sequence, 0), message.payload, bytes(-length % 4)]
        self._socket.send(b"".join(parts))
        return self._sequence

    def _receive(self) -> Iterator[tuple[int, int, bytes]]:
        while True:
            for kind, _, number_, payload in _split(self._socket.recv(_RECEIVE_BYTES)):
                if kind == _NLMSG_ERROR:
                    _raise_for(payload)
                yield kind, number_, payload


_ATTEMPTS: Final = 5


def _split(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield (type, flags, sequence, payload) of each message in one datagram."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            break
        yield kind, flags, sequence, data[offset + _HEADER.size : offset + length]
        offset += (length + 3) & ~3


def _errno(payload: bytes) -> int:
    return int(struct.unpack_from("=i", payload)[0]) if len(payload) >= _ATTRIBUTE.size else 0


def _raise_for(payload: bytes) -> None:
    if (code := -_errno(payload)) > 0:
        raise OSError(code, os.strerror(code))
