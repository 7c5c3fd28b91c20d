"""What the headers of a packet say, layer by layer: the nouns that netlab.packets.headers makes of bytes.

A layer that is not there, or of which not even the beginning was captured, is None. Addresses are text as ip(8) prints them.
"""

from __future__ import annotations

import zlib
from typing import Final

from netlab.frozen import dataclass
from netlab.packets.packet import ECHO_NAMES, NUMBERS, Packet

PROTOCOLS: Final = {number: name for name, number in NUMBERS.items()}
TCP_FLAGS: Final = (("FIN", 1), ("SYN", 2), ("RST", 4), ("PSH", 8), ("ACK", 16), ("URG", 32), ("ECE", 64), ("CWR", 128))
ERRORS: Final = {"icmp": frozenset({3, 4, 5, 11, 12}), "icmpv6": frozenset({1, 2, 3, 4})}
"""Types of ICMP that quote the packet they are about (RFC 792; RFC 4443 section 2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ethernet:
    """The link layer. `vlan` is 0 without a tag (IEEE 802.1Q)."""

    source: str
    destination: str
    kind: int
    vlan: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arp:
    """A question or answer about the MAC of an IPv4 address (RFC 826). `operation`: 1 asks, 2 answers."""

    operation: int
    sender_mac: str
    sender: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ip:
    """IPv4 or IPv6, extension headers included. `identification` of IPv6 is that of its fragments, 0 if it is whole.

    `protocol` is the number of what is inside, behind all extension headers; `fragment_offset` counts bytes.
    """

    family: int
    source: str
    destination: str
    ttl: int
    protocol: int
    identification: int = 0
    flow_label: int = 0
    fragment_offset: int = 0
    more_fragments: bool = False

    @property
    def is_fragment(self) -> bool:
        """Tell whether it is a part of a packet; only the first part has the ports."""
        return self.more_fragments or self.fragment_offset > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tcp:
    """A segment (RFC 9293). `flags` are bits (TCP_FLAGS). `payload` is what was captured of `payload_bytes`."""

    source_port: int
    destination_port: int
    sequence: int = 0
    acknowledgement: int = 0
    flags: int = 0
    window: int = 0
    checksum: int = 0
    payload_bytes: int = 0
    payload: bytes = b""

    @property
    def flag_names(self) -> tuple[str, ...]:
        """The flags that are set: ("SYN", "ACK")."""
        return tuple(name for name, bit in TCP_FLAGS if self.flags & bit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Udp:
    """A datagram (RFC 768)."""

    source_port: int
    destination_port: int
    checksum: int = 0
    payload_bytes: int = 0
    payload: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sctp:
    """A packet with its first chunk (RFC 9260). `payload` is everything behind the common header."""

    source_port: int
    destination_port: int
    tag: int = 0
    chunk: int = -1
    checksum: int = 0
    payload_bytes: int = 0
    payload: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Icmp:
    """A message of ICMP or ICMPv6. `identifier` and `sequence` are those of an echo.

    `mtu` is what a "too big" allows, `target` the address that neighbour discovery is about. `payload` is what is behind the
    first eight bytes: of an error the packet it quotes.
    """

    type: int
    code: int
    identifier: int = 0
    sequence: int = 0
    mtu: int = 0
    target: str = ""
    checksum: int = 0
    payload_bytes: int = 0
    payload: bytes = b""


Transport = Tcp | Udp | Sctp | Icmp
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A packet. `quoted` is what an error of ICMP is about (without a link layer), `inner` the frame in a VXLAN tunnel.

    `missing` says what is cut off or makes no sense; "" if everything could be read.
    """

    ethernet: Ethernet | None = None
    arp: Arp | None = None
    ip: Ip | None = None
    transport: Transport | None = None
    quoted: Frame | None = None
    vni: int = 0
    inner: Frame | None = None
    missing: str = ""

    @property
    def protocol(self) -> str:
        """`tcp`, `icmpv6` ...; the number for others; `arp`; "" if it is neither IP nor ARP."""
        if self.ip is None:
            return "arp" if self.arp else ""
        return PROTOCOLS.get(self.ip.protocol, str(self.ip.protocol))

    @property
    def is_error(self) -> bool:
        """Tell whether it is an error of ICMP."""
        return isinstance(self.transport, Icmp) and self.transport.type in ERRORS.get(self.protocol, ())

    @property
    def packet(self) -> Packet | None:
        """The packet as conntrack sees it; None if it has no tuple: an error of ICMP, a later fragment, no IP."""
        inside = self.transport
        if self.ip is None or inside is None:
            return None
        if isinstance(inside, Icmp):
            if inside.type not in ECHO_NAMES:
                return None
            ports = inside.identifier, inside.type
        else:
            ports = inside.source_port, inside.destination_port
        return Packet(
            protocol=self.protocol,
            source=self.ip.source,
            destination=self.ip.destination,
            source_port=ports[0],
            destination_port=ports[1],
            ttl=self.ip.ttl,
        )

    @property
    def key(self) -> Key:
        """What one packet keeps on its whole way, through routers and translations, and hardly another one has; () if none.

        No address, port, echo identifier, TTL or checksum is in it. It is another one after the packet was cut into segments or
        fragments, or put together; a packet that is sent again may have the same. What an error quotes has the key of the
        packet itself, as long as all of it is quoted. VXLAN: look at the `inner` one.
        """
        if self.ip is None:
            return ()
        ip = self.ip
        common = (ip.family, ip.identification or ip.flow_label, ip.protocol, ip.fragment_offset, ip.more_fragments)
        return (*common, *_key(self.transport, self.quoted if self.is_error else None))


def _key(inside: Transport | None, quoted: Frame | None) -> Key:
    match inside:
        case Tcp():
            return inside.sequence, inside.acknowledgement, inside.flags, inside.payload_bytes
        case Udp():
            return inside.payload_bytes, zlib.crc32(inside.payload)
        case Sctp():
            return inside.tag, inside.payload_bytes, zlib.crc32(inside.payload)
        case Icmp() if quoted is not None:
            return inside.type, inside.code, quoted.key
        case Icmp():
            return inside.type, inside.code, inside.sequence, inside.payload_bytes, zlib.crc32(inside.payload)
        case None:
            return ()
