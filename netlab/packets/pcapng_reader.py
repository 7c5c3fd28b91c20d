"""pcapng files of netlab's own, read back: what `netlab capture -w` and `netlab trace --pcapng` have written.

Byte order is little-endian and time is in nanoseconds, as netlab.packets.pcapng writes it; blocks and options of other kinds
are passed over. Files of other programs are for tshark. Source: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from netlab.frozen import dataclass

_SECTION, _INTERFACE, _NAMES, _STATISTICS, _PACKET = 0x0A0D0D0A, 1, 4, 5, 6
_MAGIC: Final = 0x1A2B3C4D
_COMMENT, _IF_NAME, _FLAGS, _IF_DROPPED = 1, 2, 2, 5
_OUTBOUND: Final = 2
_ADDRESS_BYTES: Final = {1: 4, 2: 16}
"""Of a record in a block of names, by its kind: IPv4, IPv6."""
_BLOCK: Final = struct.Struct("<II")
_SECTION_HEAD: Final = struct.Struct("<I4xI")
_OPTION: Final = struct.Struct("<HH")
_PACKET_HEAD: Final = struct.Struct("<5I")
_SMALLEST_BLOCK: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPacket:
    """A packet of a file: where and when it was seen (nanoseconds since 1970), and what is written beside it."""

    place: str
    time_ns: int
    outgoing: bool
    data: bytes
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCapture:
    """A file: the interfaces that were watched, in their order, what each of them lost, names of addresses, packets."""

    places: tuple[str, ...]
    lost: dict[str, int]
    names: dict[str, str]
    packets: tuple[KeptPacket, ...]


def read_capture(data: bytes) -> KeptCapture:
    """Return what a file of one section holds. Raises ValueError if it is none of netlab's, or ends in mid-block."""
    places: list[str] = []
    packets: list[KeptPacket] = []
    lost: dict[str, int] = {}
    names: dict[str, str] = {}
    try:
        for kind, body in _blocks(data):
            if kind == _INTERFACE:
                places.append(dict(_options(body[8:])).get(_IF_NAME, b"").decode(errors="replace"))
            elif kind == _NAMES:
                names |= dict(_records(body))
            elif kind == _STATISTICS:
                dropped = dict(_options(body[12:])).get(_IF_DROPPED, b"")
                lost[places[int.from_bytes(body[:4], "little")]] = int.from_bytes(dropped, "little")
            elif kind == _PACKET:
                packets.append(_packet(body, places))
    except (struct.error, IndexError) as error:
        raise ValueError("a block that is shorter than it says") from error
    return KeptCapture(places=tuple(places), lost=lost, names=names, packets=tuple(packets))


def _blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and body of each block."""
    if len(data) < _SMALLEST_BLOCK or _SECTION_HEAD.unpack_from(data) != (_SECTION, _MAGIC):
        raise ValueError("no pcapng file of netlab's")
    start = 0
    while start < len(data):
        kind, size = _BLOCK.unpack_from(data, start)
        if size < _SMALLEST_BLOCK or start + size > len(data):
            raise ValueError(f"a block at {start} that goes on behind the end")
        yield kind, data[start + 8 : start + size - 4]
        start += size


def _packet(body: bytes, places: list[str]) -> KeptPacket:
    interface, high, low, kept, _ = _PACKET_HEAD.unpack_from(body)
    start = _PACKET_HEAD.size
    options = dict(_options(body[start + kept + (-kept & 3) :]))
    return KeptPacket(
        place=places[interface],
        time_ns=high << 32 | low,
        outgoing=int.from_bytes(options.get(_FLAGS, b""), "little") & 3 == _OUTBOUND,
        data=body[start : start + kept],
        comment=options.get(_COMMENT, b"").decode(errors="replace"),
    )


def _records(body: bytes) -> Iterator[tuple[str, str]]:
    for kind, value in _options(body):
        if size := _ADDRESS_BYTES.get(kind):
            yield str(ip_address(value[:size])), value[size:].split(b"\0")[0].decode(errors="replace")


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield code and value of each option, or record, up to the end of them."""
    start = 0
    while start < len(data):
        code, size = _OPTION.unpack_from(data, start)
        if not code:
            return
        yield code, data[start + 4 : start + 4 + size]
        start += 4 + size + (-size & 3)
