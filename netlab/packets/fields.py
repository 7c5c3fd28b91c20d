"""The fields that rules can read of a packet, by the words of nft: one table. Source: nft(8), PAYLOAD, META and CT EXPRESSIONS.

A field that a packet does not have (`ip daddr` of IPv6, `tcp dport` of UDP) makes its rule not match, as the matches do that
nft puts in front of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from netlab.packets.packet import NUMBERS, Packet
from netlab.packets.scene import NoMatch, Scene
from netlab.packets.values import (
    DIRECTION,
    FAMILY,
    ICMP_TYPE,
    ICMPV6_TYPE,
    IFNAME,
    IPV4,
    IPV6,
    MARK,
    NUMBER,
    PORT,
    PROTOCOL,
    STATES,
    STATUSES,
    Kind,
    address_number,
    ifname_number,
)

NO_PORT: Final = -1
"""What `th dport` is of a packet without ports: of an echo the kernel reads the checksum there, which is nobody's port."""

Read = Callable[[Scene], int]
_ADDRESSES: Final = (("ip", 4, IPV4), ("ip6", 6, IPV6))
_SIDES: Final = ("saddr", "daddr")
_TUPLES: Final = ("original", "reply")


def _address(family: int, side: str) -> Read:
    return lambda scene: _address_of(scene.packet, family, side)


def _address_of(packet: Packet, family: int, side: str) -> int:
    if packet.family != family:
        raise NoMatch
    return address_number(packet.source if side == "saddr" else packet.destination)


def _port(protocol: str, side: str) -> Read:
    """A port of `protocol`; of any, if that is `th`."""

    def read(scene: Scene) -> int:
        packet = scene.packet
        if protocol not in {"th", packet.protocol}:
            raise NoMatch
        if packet.is_echo:
            return NO_PORT
        return packet.source_port if side == "sport" else packet.destination_port

    return read


def _only(of: Callable[[Packet], bool], read: Callable[[Packet], int]) -> Read:
    """A field that only some packets have."""

    def checked(scene: Scene) -> int:
        if not of(scene.packet):
            raise NoMatch
        return read(scene.packet)

    return checked


def _of_tuple(which: str, read: Callable[[Packet], int]) -> Read:
    """A field of the connection's original or reply tuple."""
    return lambda scene: read(scene.entry().original if which == "original" else scene.entry().reply)


def _tuple_address(which: str, family: int, side: str) -> Read:
    return _of_tuple(which, lambda packet: _address_of(packet, family, side))


def _protocol(packet: Packet) -> int:
    return NUMBERS[packet.protocol]


def _is_ipv4(packet: Packet) -> bool:
    return not packet.is_ipv6


def _is_ipv6(packet: Packet) -> bool:
    return packet.is_ipv6


def _interface(side: str) -> Read:
    return lambda scene: ifname_number(scene.iif if side == "iif" else scene.oif)


FIELDS: Final[dict[str, tuple[Kind, Read]]] = {
    **{f"{word} {side}": (kind, _address(family, side)) for word, family, kind in _ADDRESSES for side in _SIDES},
    **{
        f"{protocol} {side}": (PORT, _port(protocol, side))
        for protocol in ("th", "tcp", "udp", "sctp")
        for side in ("sport", "dport")
    },
    "ip protocol": (PROTOCOL, _only(_is_ipv4, _protocol)),
    "ip ttl": (NUMBER, _only(_is_ipv4, lambda packet: packet.ttl)),
    "ip6 nexthdr": (PROTOCOL, _only(_is_ipv6, _protocol)),
    "ip6 hoplimit": (NUMBER, _only(_is_ipv6, lambda packet: packet.ttl)),
    "icmp type": (ICMP_TYPE, _only(lambda packet: packet.protocol == "icmp", lambda packet: packet.destination_port)),
    "icmpv6 type": (ICMPV6_TYPE, _only(lambda packet: packet.protocol == "icmpv6", lambda packet: packet.destination_port)),
    "meta l4proto": (PROTOCOL, lambda scene: _protocol(scene.packet)),
    "meta nfproto": (FAMILY, lambda scene: FAMILY.parse(f"ipv{scene.packet.family}").low),
    "meta mark": (MARK, lambda scene: scene.mark),
    # nft prints interfaces without `meta`; `iif` is kept by number and `iifname` by name, which is the same here.
    **{word: (IFNAME, _interface(word[:3])) for word in ("iif", "oif", "iifname", "oifname")},
    "ct state": (STATES, lambda scene: STATES.parse(scene.state).low),
    "ct status": (STATUSES, lambda scene: scene.entry().status),
    "ct mark": (MARK, lambda scene: scene.entry().mark),
    "ct direction": (DIRECTION, lambda scene: int(scene.is_reply)),
    **{f"ct {which} protocol": (PROTOCOL, _of_tuple(which, _protocol)) for which in _TUPLES},
    **{f"ct {which} proto-src": (PORT, _of_tuple(which, lambda packet: packet.source_port)) for which in _TUPLES},
    **{f"ct {which} proto-dst": (PORT, _of_tuple(which, lambda packet: packet.destination_port)) for which in _TUPLES},
    **{
        f"ct {which} {word} {side}": (kind, _tuple_address(which, family, side))
        for which in _TUPLES
        for word, family, kind in _ADDRESSES
        for side in _SIDES
    },
}
LONGEST: Final = max(len(words.split()) for words in FIELDS)
