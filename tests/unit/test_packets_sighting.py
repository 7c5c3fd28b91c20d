"""The identity of a packet: the same wherever it is seen, whatever was translated in it."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest

from netlab.packets.headers import decode_ip
from netlab.packets.sighting import identity

POD, VIP, SERVER, NODE = "10.244.1.2", "10.96.0.9", "10.244.2.7", "172.18.0.2"
POD6, VIP6, SERVER6, NODE6 = "fd00:1::2", "fd00:96::9", "fd00:2::7", "fd00:18::2"


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip(source: str, destination: str, protocol: int, body: bytes, *, number: int = 7, ttl: int = 63) -> bytes:
    """A packet; `number` is its identification, or its flow label."""
    ends = ip_address(source).packed + ip_address(destination).packed
    if ":" in source:
        return struct.pack("!IHBB", 6 << 28 | number, len(body), protocol, ttl) + ends + body
    head = struct.pack("!BBHHHBB", 0x45, 0, 20 + len(body), number, 0, ttl, protocol)
    return head + struct.pack("!H", checksum(head + b"\0\0" + ends)) + ends + body


def udp(sport: int, dport: int, payload: bytes = b"one query or another") -> bytes:
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def unreachable(quoted: bytes, kind: int = 3) -> bytes:
    return struct.pack("!BBHI", kind, 3 if kind == 3 else 4, 0, 0) + quoted


def known(packet: bytes):
    return identity(decode_ip(packet))


SENT, SENT6 = ip(POD, VIP, 17, udp(40000, 53)), ip(POD6, VIP6, 17, udp(40000, 53))
SAME = [
    pytest.param(SENT, ip(POD, SERVER, 17, udp(40000, 5353)), id="sent to an endpoint"),
    pytest.param(SENT, ip(NODE, VIP, 17, udp(61000, 53)), id="masqueraded"),
    pytest.param(SENT, ip(POD, VIP, 17, udp(40000, 53), ttl=62), id="passed on by a router"),
    pytest.param(
        ip(SERVER, POD, 1, unreachable(ip(POD, SERVER, 17, udp(40000, 5353)))),
        ip(SERVER, POD, 1, unreachable(ip(POD, VIP, 17, udp(40000, 53)))),
        id="an error, about what was sent to an endpoint",
    ),
    pytest.param(
        ip(SERVER, NODE, 1, unreachable(ip(NODE, SERVER, 17, udp(61000, 5353)))),
        ip(VIP, POD, 1, unreachable(ip(POD, VIP, 17, udp(40000, 53)))),
        id="an error, about what was masqueraded too",
    ),
    pytest.param(
        ip(SERVER6, NODE6, 58, unreachable(ip(NODE6, SERVER6, 17, udp(61000, 5353)), 1)),
        ip(VIP6, POD6, 58, unreachable(ip(POD6, VIP6, 17, udp(40000, 53)), 1)),
        id="the same with IPv6",
    ),
]  # fmt: skip
OTHERS = [
    pytest.param(SENT, ip(POD, VIP, 17, udp(40000, 53), number=8), id="sent later"),
    pytest.param(SENT6, ip(POD6, VIP6, 17, udp(40000, 53, b"another query")), id="with other data"),
    pytest.param(
        ip(SERVER, POD, 1, unreachable(SENT)),
        ip(SERVER, POD, 1, unreachable(ip(POD, VIP, 17, udp(40000, 53), number=8))),
        id="an error about another packet",
    ),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_a_translated_packet_is_known_as_the_same(one, other):
    assert known(one) == known(other) != ()


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_another_packet_is_not(one, other):
    assert known(one) != known(other)
