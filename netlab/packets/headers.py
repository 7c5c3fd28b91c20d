"""Bytes of a packet, read: Ethernet, ARP, IPv4, IPv6 with extension headers, TCP, UDP, SCTP, ICMP with what it quotes, VXLAN.

Nothing is ever refused: what cannot be read is left out and Frame.missing says why. Bytes behind the end that IP tells are
padding of the link and not looked at. A length of 0 is that of a packet longer than its header can tell, which is still to be
cut into segments (BIG TCP; RFC 2675). Source: the RFCs at the nouns; RFC 791, 8200, 4443, 4861, 7348.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final

from netlab.frozen import dataclass
from netlab.packets.frame import PROTOCOLS, Arp, Ethernet, Frame, Icmp, Ip, Sctp, Tcp, Transport, Udp

VXLAN_PORTS: Final = frozenset({4789, 8472})
"""IANA's, and the one Linux had before there was one, which flannel and netlab use."""

_IPV4, _ARP, _VLAN, _IPV6 = 0x0800, 0x0806, 0x8100, 0x86DD
_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION = 0, 43, 44, 51, 60
_EXTENSIONS: Final = frozenset({_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION})
_DEEPEST: Final = 4  # packets in packets; hostile ones could go on until Python's stack ends
_ECHOES: Final = {"icmp": frozenset({8, 0}), "icmpv6": frozenset({128, 129})}
_TOO_BIG: Final = {"icmp": (3, 4), "icmpv6": (2, 0)}
_NEIGHBOUR: Final = frozenset({135, 136})

_ETHERNET_HEADER: Final = struct.Struct("!6s6sH")
_VLAN_TAG: Final = struct.Struct("!HH")
_ARP_MESSAGE: Final = struct.Struct("!6sH6s4s6x4s")
_MAC_OF_IPV4: Final = bytes.fromhex("000108000604")
_IPV4_HEADER: Final = struct.Struct("!BBHHHBBH4s4s")
_IPV6_HEADER: Final = struct.Struct("!IHBB16s16s")
_TCP_HEADER: Final = struct.Struct("!HHIIBBHH2x")
_UDP_HEADER: Final = struct.Struct("!HHHH")
_SCTP_HEADER: Final = struct.Struct("!HHII")
_ICMP_HEADER: Final = struct.Struct("!BBHHH")
_VXLAN_HEADER: Final = struct.Struct("!B3xI")
_HAS_VNI: Final = 8  # of the first byte; the VNI is the upper three of the last four
_IPV4_BYTES, _IPV6_BYTES = 4, 16


@dataclass(frozen=True, slots=True)
class _Body:
    """What IP carries: the bytes that were captured, and how many there were."""

    data: bytes
    length: int
    depth: int


def decode(data: bytes, depth: int = 0) -> Frame:
    """Return what the headers of an Ethernet frame say. Never raises; `depth` is how many packets it is inside of."""
    if len(data) < _ETHERNET_HEADER.size:
        return Frame(missing="cut in the Ethernet header")
    destination, source, kind = _ETHERNET_HEADER.unpack_from(data)
    vlan, body = 0, data[_ETHERNET_HEADER.size :]
    if kind == _VLAN and len(body) >= _VLAN_TAG.size:
        vlan, kind = _VLAN_TAG.unpack_from(body)
        body = body[_VLAN_TAG.size :]
    ethernet = Ethernet(source=source.hex(":"), destination=destination.hex(":"), kind=kind, vlan=vlan & 0xFFF)
    if kind == _ARP:
        return replace(_arp(body), ethernet=ethernet)
    if kind in {_IPV4, _IPV6}:
        return replace(decode_ip(body, depth), ethernet=ethernet)
    return Frame(ethernet=ethernet)


def decode_ip(data: bytes, depth: int = 0) -> Frame:
    """Return what the headers of a packet say that begins with IPv4 or IPv6."""
    version = data[0] >> 4 if data else 0
    if depth >= _DEEPEST:
        return Frame(missing="more packets in packets than anybody sends")
    if version in _FAMILIES:
        return _FAMILIES[version](data, depth)
    return Frame(missing=f"IP version {version}" if data else "cut before the IP header")


def _arp(data: bytes) -> Frame:
    if len(data) < _ARP_MESSAGE.size:
        return Frame(missing="cut in the ARP message")
    kinds, operation, sender_mac, sender, target = _ARP_MESSAGE.unpack_from(data)
    if kinds != _MAC_OF_IPV4:
        return Frame(missing="ARP about other things than MACs of IPv4 addresses")
    return Frame(arp=Arp(operation=operation, sender_mac=sender_mac.hex(":"), sender=_address(sender), target=_address(target)))


def _ipv4(data: bytes, depth: int) -> Frame:
    if len(data) < _IPV4_HEADER.size:
        return Frame(missing="cut in the IPv4 header")
    first, _, total, identification, fragment, ttl, protocol, _, source, destination = _IPV4_HEADER.unpack_from(data)
    ip = Ip(
        family=4,
        source=_address(source),
        destination=_address(destination),
        ttl=ttl,
        protocol=protocol,
        identification=identification,
        fragment_offset=(fragment & 0x1FFF) * 8,
        more_fragments=bool(fragment & 0x2000),
    )
    header, total = (first & 15) * 4, total or len(data)
    if not _IPV4_HEADER.size <= header <= total:
        return Frame(ip=ip, missing=f"an IPv4 header of {header} bytes in a packet of {total}")
    return _inside(ip, _Body(data[header:total], total - header, depth))


def _ipv6(data: bytes, depth: int) -> Frame:
    if len(data) < _IPV6_HEADER.size:
        return Frame(missing="cut in the IPv6 header")
    first, length, protocol, hop_limit, source, destination = _IPV6_HEADER.unpack_from(data)
    start, end = _IPV6_HEADER.size, _IPV6_HEADER.size + length if length else len(data)
    fragment = identification = 0
    missing = ""
    while protocol in _EXTENSIONS and not missing and fragment & ~7 == 0:
        if len(data) < start + 8:
            missing = "cut in an IPv6 extension header"
            break
        following = data[start]
        if protocol == _FRAGMENT:
            fragment, identification = struct.unpack_from("!HI", data, start + 2)
            size = 8
        else:
            size = (data[start + 1] + 2) * 4 if protocol == _AUTHENTICATION else (data[start + 1] + 1) * 8
        protocol, start = following, start + size
        if start > end:
            missing = "an IPv6 extension header that is longer than the packet"
    ip = Ip(
        family=6,
        source=_address(source),
        destination=_address(destination),
        ttl=hop_limit,
        protocol=protocol,
        identification=identification,
        flow_label=first & 0xFFFFF,
        fragment_offset=fragment & ~7,
        more_fragments=bool(fragment & 1),
    )
    return Frame(ip=ip, missing=missing) if missing else _inside(ip, _Body(data[start:end], end - start, depth))


def _inside(ip: Ip, body: _Body) -> Frame:
    """Read what IP carries; of a later fragment nothing can be said."""
    name = PROTOCOLS.get(ip.protocol, "")
    if ip.fragment_offset or name not in _READERS:
        return Frame(ip=ip)
    header, reader = _READERS[name]
    there = next((size for size in _WHOLE_FIELDS if size <= min(len(body.data), header)), 0)
    missing = "" if there == header else f"cut in the {name.upper()} header"
    if not there:
        return Frame(ip=ip, missing=missing)
    filled = body if there == header else _Body(body.data[:there].ljust(header, b"\0"), max(body.length, header), body.depth)
    transport = reader(filled, name)
    if not missing and not ip.more_fragments and len(body.data) < body.length:
        missing = "cut in the data"
    return _around(Frame(ip=ip, transport=transport, missing=missing), body.depth)


def _around(frame: Frame, depth: int) -> Frame:
    """Add the packet that is inside this one."""
    inside = frame.transport
    if isinstance(inside, Icmp) and frame.is_error:
        return replace(frame, quoted=decode_ip(inside.payload, depth + 1))
    if isinstance(inside, Udp) and inside.destination_port in VXLAN_PORTS and len(inside.payload) >= _VXLAN_HEADER.size:
        flags, vni = _VXLAN_HEADER.unpack_from(inside.payload)
        if flags & _HAS_VNI and depth < _DEEPEST:
            return replace(frame, vni=vni >> 8, inner=decode(inside.payload[_VXLAN_HEADER.size :], depth + 1))
    return frame


def _tcp(body: _Body, _: str) -> Transport:
    source, destination, sequence, acknowledgement, offset, flags, window, checksum = _TCP_HEADER.unpack_from(body.data)
    header = max((offset >> 4) * 4, _TCP_HEADER.size)
    return Tcp(
        source_port=source,
        destination_port=destination,
        sequence=sequence,
        acknowledgement=acknowledgement,
        flags=flags,
        window=window,
        checksum=checksum,
        payload_bytes=max(body.length - header, 0),
        payload=body.data[header:],
    )


def _udp(body: _Body, _: str) -> Transport:
    source, destination, _length, checksum = _UDP_HEADER.unpack_from(body.data)
    return Udp(
        source_port=source,
        destination_port=destination,
        checksum=checksum,
        payload_bytes=body.length - _UDP_HEADER.size,
        payload=body.data[_UDP_HEADER.size :],
    )


def _sctp(body: _Body, _: str) -> Transport:
    source, destination, tag, checksum = _SCTP_HEADER.unpack_from(body.data)
    return Sctp(
        source_port=source,
        destination_port=destination,
        tag=tag,
        chunk=body.data[_SCTP_HEADER.size] if len(body.data) > _SCTP_HEADER.size else -1,
        checksum=checksum,
        payload_bytes=body.length - _SCTP_HEADER.size,
        payload=body.data[_SCTP_HEADER.size :],
    )


def _icmp(body: _Body, name: str) -> Transport:
    kind, code, checksum, high, low = _ICMP_HEADER.unpack_from(body.data)
    is_echo = kind in _ECHOES[name]
    target = body.data[8:24] if name == "icmpv6" and kind in _NEIGHBOUR else b""
    return Icmp(
        type=kind,
        code=code,
        identifier=high if is_echo else 0,
        sequence=low if is_echo else 0,
        mtu=(high << 16 | low if name == "icmpv6" else low) if (kind, code) == _TOO_BIG[name] else 0,
        target=_address(target) if len(target) == _IPV6_BYTES else "",
        checksum=checksum,
        payload_bytes=body.length - _ICMP_HEADER.size,
        payload=body.data[_ICMP_HEADER.size :],
    )


_READERS: Final[Mapping[str, tuple[int, Callable[[_Body, str], Transport]]]] = {
    "tcp": (_TCP_HEADER.size, _tcp),
    "udp": (_UDP_HEADER.size, _udp),
    "sctp": (_SCTP_HEADER.size, _sctp),
    "icmp": (_ICMP_HEADER.size, _icmp),
    "icmpv6": (_ICMP_HEADER.size, _icmp),
}
"""By protocol: bytes of the fixed header, and its reader."""
_FAMILIES: Final = {4: _ipv4, 6: _ipv6}
_WHOLE_FIELDS: Final = (20, 12, 8, 4)
"""Where a header may be cut and have whole fields: an old router quotes 8 bytes, the ports and TCP's sequence number."""


@lru_cache(maxsize=4096)
def _address(raw: bytes) -> str:
    return "{}.{}.{}.{}".format(*raw) if len(raw) == _IPV4_BYTES else str(IPv6Address(raw))
