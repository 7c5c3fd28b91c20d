"""A packet in one line, with names beside numbers.

    tcp 10.244.1.2:40000 (frontend) > 10.96.0.42:6379 (svc/redis-master) SYN, length 0
    udp 10.244.1.2:40000 (frontend) > 10.96.0.10:53 (svc/kube-dns.kube-system) length 43, A? web.default.svc.cluster.local
    icmp 10.244.1.1 (node-1) > 10.244.1.2 (frontend) port unreachable: udp 10.244.1.2:5353 (frontend) > 10.96.0.9:53
    arp who has 10.244.1.1 (node-1)? tell 10.244.1.2 (frontend)

Words are those of tcpdump where it has some. Source: tcpdump(1); RFC 792, 4443, 4861.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from netlab.packets.dns_words import DNS_PORT, dns_words
from netlab.packets.frame import Arp, Frame, Icmp, Ip, Sctp, Tcp, Udp
from netlab.packets.names import Names
from netlab.packets.packet import ECHO_NAMES

ICMP: Final = {
    ("icmp", 3, 0): "net unreachable",
    ("icmp", 3, 1): "host unreachable",
    ("icmp", 3, 2): "protocol unreachable",
    ("icmp", 3, 3): "port unreachable",
    ("icmp", 3, 4): "fragmentation needed",
    ("icmp", 3, 9): "net prohibited",
    ("icmp", 3, 10): "host prohibited",
    ("icmp", 3, 13): "admin prohibited",
    ("icmp", 5, 0): "redirect net",
    ("icmp", 5, 1): "redirect host",
    ("icmp", 11, 0): "time exceeded in transit",
    ("icmp", 11, 1): "reassembly time exceeded",
    ("icmpv6", 1, 0): "no route to destination",
    ("icmpv6", 1, 1): "admin prohibited",
    ("icmpv6", 1, 3): "address unreachable",
    ("icmpv6", 1, 4): "port unreachable",
    ("icmpv6", 1, 6): "reject route",
    ("icmpv6", 2, 0): "packet too big",
    ("icmpv6", 3, 0): "time exceeded in transit",
    ("icmpv6", 3, 1): "reassembly time exceeded",
    ("icmpv6", 133, 0): "router solicitation",
    ("icmpv6", 134, 0): "router advertisement",
    ("icmpv6", 135, 0): "neighbour solicitation: who has",
    ("icmpv6", 136, 0): "neighbour advertisement: here is",
    ("icmpv6", 137, 0): "redirect",
}
"""Words for messages of ICMP, by protocol, type and code."""
CHUNKS: Final = {0: "DATA", 1: "INIT", 2: "INIT ACK", 3: "SACK", 4: "HEARTBEAT", 5: "HEARTBEAT ACK", 6: "ABORT", 7: "SHUTDOWN",
                 8: "SHUTDOWN ACK", 9: "ERROR", 10: "COOKIE ECHO", 11: "COOKIE ACK", 14: "SHUTDOWN COMPLETE"}  # fmt: skip
"""Types of SCTP's chunks. Source: RFC 9260 section 3.2."""
_ASKS: Final = 1


def summary(frame: Frame, names: Names) -> str:
    """Return the line of a packet."""
    return " ".join(_words(frame, names))


def _words(frame: Frame, names: Names) -> Iterator[str]:
    if frame.inner is not None and frame.ip is not None:
        outer = f"{names.with_name(frame.ip.source)} > {names.with_name(frame.ip.destination)}"
        yield f"vxlan {frame.vni} {outer}: {summary(frame.inner, names)}"
    elif frame.arp is not None:
        yield _arp(frame.arp, names)
    elif frame.ip is not None:
        yield from _ip(frame, frame.ip, names)
    elif frame.ethernet is not None:
        yield f"ethertype {frame.ethernet.kind:#06x}, {frame.ethernet.source} > {frame.ethernet.destination}"
    if frame.missing:
        yield f"[{frame.missing}]"


def _arp(arp: Arp, names: Names) -> str:
    if arp.operation == _ASKS:
        return f"arp who has {names.with_name(arp.target)}? tell {names.with_name(arp.sender)}"
    return f"arp {names.with_name(arp.sender)} is at {arp.sender_mac}"


def _ip(frame: Frame, ip: Ip, names: Names) -> Iterator[str]:
    inside, protocol = frame.transport, frame.protocol
    if inside is None or isinstance(inside, Icmp):
        name = protocol if protocol.isalpha() or inside else f"ip protocol {protocol}"
        yield f"{name} {names.with_name(ip.source)} > {names.with_name(ip.destination)}"
    else:
        source = names.endpoint(protocol, ip.source, inside.source_port)
        yield f"{protocol} {source} > {names.endpoint(protocol, ip.destination, inside.destination_port)}"
    match inside:
        case Tcp():
            yield f"{' '.join(inside.flag_names) or 'no flags'}, length {inside.payload_bytes}"
        case Udp():
            asked = dns_words(inside.payload) if DNS_PORT in {inside.source_port, inside.destination_port} else ""
            yield f"length {inside.payload_bytes}{asked and ', '}{asked}"
        case Sctp():
            yield f"{CHUNKS.get(inside.chunk, f'chunk {inside.chunk}')}, length {inside.payload_bytes}"
        case Icmp():
            yield _icmp(protocol, inside, frame.quoted, names)
        case None:
            pass
    if ip.is_fragment:
        yield f"fragment at {ip.fragment_offset}{', more follow' if ip.more_fragments else ''}"


def _icmp(protocol: str, message: Icmp, quoted: Frame | None, names: Names) -> str:
    if message.type in ECHO_NAMES:
        told = f"id {message.identifier}, seq {message.sequence}, length {message.payload_bytes}"
        return f"{ECHO_NAMES[message.type]} {told}"
    text = ICMP.get((protocol, message.type, message.code), f"type {message.type}, code {message.code}")
    if message.target:
        text += f" {names.with_name(message.target)}"
    if message.mtu:
        text += f" (mtu {message.mtu})"
    return f"{text}: {_tuple(quoted, names)}" if quoted is not None and quoted.ip is not None else text


def _tuple(quoted: Frame, names: Names) -> str:
    """The packet that an error is about, without what it says of itself."""
    packet = quoted.packet
    if packet is None or packet.is_echo or quoted.ip is None:
        return str(packet or quoted.protocol)
    source = names.endpoint(packet.protocol, packet.source, packet.source_port)
    return f"{packet.protocol} {source} > {names.endpoint(packet.protocol, packet.destination, packet.destination_port)}"
