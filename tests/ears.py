"""Ears in network namespaces: raw sockets that get a copy of every packet delivered there, after all hooks of netfilter.

One thread on one processor sends and listens. Linux keeps the frames that this processor has received in one queue, first
in, first out, whichever namespaces they are in; so what was sent earlier, over as many hops or fewer, has arrived earlier.
Source: raw(7); the kernel's net/core/dev.c, enqueue_to_backlog.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from dataclasses import dataclass

from netlab.kernel import netns

ECHO_PORT = 5353  # UDP that is answered
CANARY_PORT = 9
DEADLINE_S = 10.0
SYN, ACK = 0x02, 0x10
IP_PKTINFO = 8  # ip(7): which address a datagram was sent to, and from which it is to be answered


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A packet that was delivered in `place`. `flags` are TCP's; an error of ICMP has its type and code, and says about whom."""

    place: str
    protocol: str
    source: tuple[str, int]
    destination: tuple[str, int]
    flags: int = 0
    error: tuple[int, int] | None = None
    data: bytes = b""

    @property
    def opens(self) -> bool:
        """Is it the first packet of a connection?"""
        return self.error is None and (self.protocol == "udp" or self.flags & (SYN | ACK) == SYN)


class Ears:
    """Raw sockets for TCP, UDP and ICMP in each of these namespaces, and UDP servers on ECHO_PORT and CANARY_PORT."""

    def __init__(self, names) -> None:
        self.places: dict[int, tuple[str, socket.socket]] = {}
        self.servers: dict[int, socket.socket] = {}
        self.poll = select.poll()
        for name in names:
            raw, servers = netns.in_namespace(name, _open)
            self.places |= {one.fileno(): (name, one) for one in raw}
            self.servers |= {one.fileno(): one for one in servers}
        for number in (*self.places, *self.servers):
            self.poll.register(number, select.POLLIN)

    def close(self) -> None:
        for one in (*(one for _, one in self.places.values()), *self.servers.values()):
            one.close()

    def listen(self, timeout_s: float = 0.0) -> list[Heard]:
        """Return what was heard since the last time, waiting for something if there is nothing yet; servers answer meanwhile."""
        found: list[Heard] = []
        ready = self.poll.poll(timeout_s * 1000)
        while ready:
            for number, _ in ready:
                if number in self.servers:
                    _answer(self.servers[number])
                else:
                    name, one = self.places[number]
                    found += _parse(name, one.recv(2048))
            ready = self.poll.poll(0)
        return found

    def until(self, condition) -> list[Heard]:
        """Listen until something heard fulfils the condition; return everything heard. Fails after DEADLINE_S."""
        found: list[Heard] = []
        end = time.monotonic() + DEADLINE_S
        while not any(condition(one) for one in found):
            assert time.monotonic() < end, f"not heard in {DEADLINE_S} s; but: {found}"
            found += self.listen(0.1)
        return found


def _open():
    raw = [
        socket.socket(socket.AF_INET, socket.SOCK_RAW, kind)
        for kind in (socket.IPPROTO_TCP, socket.IPPROTO_UDP, socket.IPPROTO_ICMP)
    ]
    servers = []
    for port in (ECHO_PORT, CANARY_PORT):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        one.bind(("", port))
        servers.append(one)
    return raw, servers


def _answer(server: socket.socket) -> None:
    """Send a datagram back, from the address it was sent to."""
    data, sent_to, _, peer = server.recvmsg(2048, 64)
    _, own, _ = struct.unpack("I4s4s", sent_to[0][2])
    server.sendmsg([data], [(socket.IPPROTO_IP, IP_PKTINFO, struct.pack("I4s4s", 0, own, bytes(4)))], 0, peer)


def _parse(place: str, packet: bytes) -> list[Heard]:
    """One packet with its IPv4 header (raw(7)); ICMP other than errors is not heard."""
    length = (packet[0] & 15) * 4
    number, body = packet[9], packet[length:]
    source, destination = (socket.inet_ntoa(packet[at : at + 4]) for at in (12, 16))
    if number == socket.IPPROTO_ICMP:
        if body[0] not in {3, 11}:
            return []
        (about,) = _parse(place, body[8:])
        return [
            Heard(
                place=place,
                protocol=about.protocol,
                source=about.source,
                destination=about.destination,
                error=(body[0], body[1]),
            )
        ]
    ports = struct.unpack_from("!HH", body)
    is_tcp = number == socket.IPPROTO_TCP
    return [
        Heard(
            place=place, protocol="tcp" if is_tcp else "udp", source=(source, ports[0]), destination=(destination, ports[1]),
            flags=body[13] if is_tcp and len(body) > 13 else 0, data=b"" if is_tcp else body[8:],
        )
    ]  # fmt: skip
