"""Ears in network namespaces: raw sockets that get a copy of every packet delivered there, after all hooks of netfilter.

One thread on one processor sends and listens. Linux keeps the frames that this processor has received in one queue, first
in, first out, whichever namespaces they are in; so what was sent earlier, over as many hops or fewer, has arrived earlier.
Source: raw(7), ipv6(7); the kernel's net/core/dev.c, enqueue_to_backlog.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from dataclasses import dataclass

from netlab.kernel import netns

ECHO_PORT = 5353  # UDP that is answered
CANARY_PORT = 9
VXLAN_PORT = 8472
DEADLINE_S = 60.0
SYN, ACK = 0x02, 0x10
IP_PKTINFO, IPV6_RECVPKTINFO, IPV6_PKTINFO = 8, 49, 50  # which address a datagram was sent to, and is to be answered from
ICMP, ICMPV6 = socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6
ERRORS = {ICMP: {3, 11}, ICMPV6: {1, 3}}  # unreachable, time exceeded


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

    def __init__(self, names, families=(socket.AF_INET,)) -> None:
        self.raw: dict[int, tuple[str, socket.socket]] = {}
        self.servers: dict[int, socket.socket] = {}
        self.poll = select.poll()
        for name in names:
            for family in families:
                raw, servers = netns.in_namespace(name, lambda family=family: _open(family))
                self.raw |= {one.fileno(): (name, one) for one in raw}
                self.servers |= {one.fileno(): one for one in servers}
        for number in (*self.raw, *self.servers):
            self.poll.register(number, select.POLLIN)

    def close(self) -> None:
        for one in (*(one for _, one in self.raw.values()), *self.servers.values()):
            one.close()

    def listen(self, timeout_s: float = 0.0) -> list[Heard]:
        """Return what was heard since the last time, waiting for something if there is nothing yet; servers answer meanwhile."""
        found: list[Heard] = []
        ready = self.poll.poll(timeout_s * 1000)
        while ready:
            for number, _ in ready:
                with contextlib.suppress(BlockingIOError):  # what poll(2) saw may be thrown away when it is read
                    if number in self.servers:
                        _answer(self.servers[number])
                    else:
                        found += _hear(*self.raw[number])
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


def _open(family: int):
    """The raw sockets and the UDP servers of a family in the namespace of this thread."""
    is_ipv6 = family == socket.AF_INET6
    protocols = (socket.IPPROTO_TCP, socket.IPPROTO_UDP, ICMPV6 if is_ipv6 else ICMP)
    raw = [socket.socket(family, socket.SOCK_RAW, protocol) for protocol in protocols]
    servers = [socket.socket(family, socket.SOCK_DGRAM) for _ in (ECHO_PORT, CANARY_PORT)]
    for one in (*raw, *servers):
        one.setblocking(False)
        if is_ipv6:
            one.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
        else:
            one.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    for one, port in zip(servers, (ECHO_PORT, CANARY_PORT), strict=True):
        if is_ipv6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(("", port))
    return raw, servers


def _answer(server: socket.socket) -> None:
    """Send a datagram back, from the address it was sent to."""
    data, [(level, kind, where)], _, peer = server.recvmsg(2048, 64)
    is_ipv6 = level == socket.IPPROTO_IPV6
    own = struct.pack("16sI", where[:16], 0) if is_ipv6 else struct.pack("I4s4s", 0, where[4:8], bytes(4))
    server.sendmsg([data], [(level, kind, own)], 0, peer)


def _hear(place: str, one: socket.socket) -> list[Heard]:
    """One packet from a raw socket: with its header if it is IPv4, without if it is IPv6 (raw(7), ipv6(7))."""
    packet, [(_, _, where)], _, peer = one.recvmsg(2048, 64)
    if one.family == socket.AF_INET:
        return _whole(place, packet)
    return _body(place, one.proto, peer[0].partition("%")[0], socket.inet_ntop(socket.AF_INET6, where[:16]), packet)


def _whole(place: str, packet: bytes) -> list[Heard]:
    """A packet with the header of either family."""
    if packet[0] >> 4 == 4:
        source, destination = (socket.inet_ntop(socket.AF_INET, packet[at : at + 4]) for at in (12, 16))
        return _body(place, packet[9], source, destination, packet[(packet[0] & 15) * 4 :])
    source, destination = (socket.inet_ntop(socket.AF_INET6, packet[at : at + 16]) for at in (8, 24))
    return _body(place, packet[6], source, destination, packet[40:])


def _body(place: str, protocol: int, source: str, destination: str, body: bytes) -> list[Heard]:
    """What is behind the header. Of ICMP only errors are heard, as being about the packet that they carry."""
    if protocol in ERRORS:
        if body[0] not in ERRORS[protocol]:
            return []
        (about,) = _whole(place, body[8:])
        error = (body[0], body[1])
        return [Heard(place=place, protocol=about.protocol, source=about.source, destination=about.destination, error=error)]
    sport, dport = struct.unpack_from("!HH", body)
    if dport == VXLAN_PORT:  # the outside of a packet that is heard where it leaves its tunnel
        return []
    is_tcp = protocol == socket.IPPROTO_TCP
    flags = body[13] if is_tcp and len(body) > 13 else 0
    return [
        Heard(
            place=place, protocol="tcp" if is_tcp else "udp", source=(source, sport), destination=(destination, dport),
            flags=flags, data=b"" if is_tcp else body[8:],
        )
    ]  # fmt: skip
