"""The blocks of a pcapng file, as bytes: what Wireshark and tshark read. Source: draft-ietf-opsawg-pcapng.

    head            section header, the interfaces (packets have their positions as numbers), names of addresses
    enhanced_packet one for each packet: nanoseconds, direction, a comment where there is something to say
    tail            what each interface counted; a file without it is whole, too

Little-endian, whatever the machine is. Text is UTF-8, and cut where an option cannot be longer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Final

from netlab.frozen import dataclass
from netlab.netstate.links import is_ipv6

_SECTION, _INTERFACE, _NAMES, _STATISTICS, _PACKET = 0x0A0D0D0A, 1, 4, 5, 6  # types of blocks
_MAGIC: Final = 0x1A2B3C4D
_ETHERNET: Final = 1  # LINKTYPE_ETHERNET
_END, _COMMENT = 0, 1  # options that every block may have
_HARDWARE, _OS, _APPLICATION = 2, 3, 4  # of a section
_NAME, _DESCRIPTION, _RESOLUTION, _FILTER = 2, 3, 9, 11  # of an interface
_FLAGS: Final = 2  # of a packet
_STARTED, _ENDED, _RECEIVED, _IF_DROPPED, _OS_DROPPED = 2, 3, 4, 5, 7  # of statistics
_IPV4_RECORD, _IPV6_RECORD = 1, 2
_NANOSECONDS: Final = b"\x09"  # powers of ten below a second
_LIBPCAP_EXPRESSION: Final = b"\0"
_LONGEST_TEXT: Final = 0xFFFF - 1  # a filter has a byte in front

_BLOCK: Final = struct.Struct("<II")
_LENGTH: Final = struct.Struct("<I")
_OPTION: Final = struct.Struct("<HH")
_PACKET_HEAD: Final = struct.Struct("<7I")  # block type and length, interface, time (high, low), bytes captured and on the wire
_NO_PADDING: Final = (b"", b"\0\0\0", b"\0\0", b"\0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """Where packets were seen. `filter` is the expression that chose them; `snaplen_bytes` 0 is all of each."""

    name: str
    description: str = ""
    filter: str = ""
    snaplen_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What one interface had to do: packets that the filter let through, and those of them that were lost."""

    packets: int
    dropped: int


def head(
    interfaces: Iterable[Interface],
    *,
    application: str,
    system: str = "",
    hardware: str = "",
    names: Mapping[str, Sequence[str]] | None = None,
    comment: str = "",
) -> bytes:
    """Return what stands before the first packet. `names` are those of IP addresses; readers show the first of each."""
    options = _texts((_COMMENT, comment), (_HARDWARE, hardware), (_OS, system), (_APPLICATION, application))
    section = _block(_SECTION, struct.pack("<IHHq", _MAGIC, 1, 0, -1), options)
    return section + b"".join(map(interface_description, interfaces)) + (name_resolution(names) if names else b"")


def enhanced_packet(  # noqa: PLR0917 - in the order of netlab.kernel.packet_ring.RawPacket
    time_ns: int,
    interface: int,
    outgoing: bool,  # noqa: FBT001
    wire_bytes: int,
    data: bytes,
    comment: str = "",
) -> bytes:
    """Return the block of a packet. Time is nanoseconds since 1970; `data` may be shorter than `wire_bytes`."""
    options = _OUTBOUND if outgoing else _INBOUND
    if comment:
        options = _option(_COMMENT, _encoded(comment)) + options
    kept = len(data)
    padding = _NO_PADDING[kept & 3]
    size = 32 + kept + len(padding) + len(options)
    high, low = time_ns >> 32, time_ns & 0xFFFFFFFF
    return b"".join(
        (_PACKET_HEAD.pack(_PACKET, size, interface, high, low, kept, wire_bytes), data, padding, options, _LENGTH.pack(size))
    )


def tail(counts: Mapping[int, Counts], *, started_ns: int, ended_ns: int) -> bytes:
    """Return what stands behind the last packet: what each interface counted between two moments."""
    return b"".join(_statistics(number, one, started_ns, ended_ns) for number, one in sorted(counts.items()))


def name_resolution(names: Mapping[str, Sequence[str]]) -> bytes:
    """Return a block with the names of IP addresses. Raises ValueError for what is no address."""
    records = b"".join(_record(address, found) for address, found in names.items() if found)
    return _block(_NAMES, records + _OPTION.pack(_END, 0), ())


def interface_description(one: Interface) -> bytes:
    """Return the block of an interface; the first one of a section has number 0, and so on."""
    options = [*_texts((_NAME, one.name), (_DESCRIPTION, one.description)), _option(_RESOLUTION, _NANOSECONDS)]
    if one.filter:
        options.append(_option(_FILTER, _LIBPCAP_EXPRESSION + _encoded(one.filter)))
    return _block(_INTERFACE, struct.pack("<HHI", _ETHERNET, 0, one.snaplen_bytes), options)


def _statistics(number: int, one: Counts, started_ns: int, ended_ns: int) -> bytes:
    """What was lost for want of room is told twice: as the format wants it, and where dumpcap puts it and Wireshark looks."""
    times = ((_STARTED, started_ns), (_ENDED, ended_ns))
    counts = ((_RECEIVED, one.packets), (_IF_DROPPED, one.dropped), (_OS_DROPPED, one.dropped))
    options = [_option(code, _time(moment)) for code, moment in times]
    options += [_option(code, struct.pack("<Q", value)) for code, value in counts]
    return _block(_STATISTICS, _LENGTH.pack(number) + _time(ended_ns), options)


def _record(address: str, names: Sequence[str]) -> bytes:
    kind = _IPV6_RECORD if is_ipv6(address) else _IPV4_RECORD
    return _option(kind, ip_address(address).packed + b"".join(_encoded(name) + b"\0" for name in names))


def _time(moment_ns: int) -> bytes:
    """Time as all blocks have it: the upper 32 bits first."""
    return struct.pack("<II", moment_ns >> 32, moment_ns & 0xFFFFFFFF)


def _texts(*options: tuple[int, str]) -> list[bytes]:
    return [_option(code, _encoded(value)) for code, value in options if value]


def _encoded(value: str) -> bytes:
    return value.encode(errors="replace")[:_LONGEST_TEXT].decode(errors="ignore").encode()


def _option(code: int, value: bytes) -> bytes:
    return _OPTION.pack(code, len(value)) + value + _NO_PADDING[len(value) & 3]


def _block(kind: int, body: bytes, options: Iterable[bytes]) -> bytes:
    listed = b"".join(options)
    content = body + (listed + _OPTION.pack(_END, 0) if listed else b"")
    size = len(content) + 12
    return _BLOCK.pack(kind, size) + content + _LENGTH.pack(size)


_INBOUND, _OUTBOUND = (_option(_FLAGS, _LENGTH.pack(way)) + _OPTION.pack(_END, 0) for way in (1, 2))
