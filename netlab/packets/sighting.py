"""One packet seen in one place: what tells it from all others, wherever it is seen, and who sends it to whom just there.

The identity of a packet is what translation leaves alone. It is read from no more bytes than nf_tables puts into its trace
messages (the network header, 20 bytes of transport), so that a packet on a wire and a packet at a rule are known as the same
one, not guessed to be. Source: nf_tables_trace.c (NFT_TRACETYPE_TRANSPORT_HSIZE).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from netlab.frozen import dataclass
from netlab.netstate.seen import Place, SeenPacket
from netlab.packets.frame import Frame, Icmp, Tcp
from netlab.packets.headers import decode, decode_ip
from netlab.packets.packet import NUMBERS, Packet

PAYLOAD_BYTES: Final = 12
"""What a trace message shows behind the 8 bytes that head UDP and ICMP."""
QUOTED_BYTES: Final = {4: 10, 6: 8}
"""So much of it is no checksum and no address, where an error of ICMP quotes a packet: those are translated with the error."""

Identity = tuple[object, ...]


class IcmpError(NamedTuple):
    """An error of ICMP: its type and code, and the packet it is about, as its sender saw it; None if it quotes too little."""

    type: int
    code: int
    about: Packet | None
    mtu: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A packet at an interface. `tunnel` is the outer packet if it goes through one; `error` what an error of ICMP says.

    `packet` is None for what has neither ports nor echoes. `flags` are those of TCP, `payload_bytes` what its sender sent.
    """

    place: Place
    time_ns: int
    outgoing: bool
    identity: Identity
    packet: Packet | None
    flags: tuple[str, ...] = ()
    payload_bytes: int = 0
    tunnel: Packet | None = None
    error: IcmpError | None = None


def sighting(seen: SeenPacket) -> Sighting | None:
    """Return what was seen; None if it is no IP, cut before its addresses, or a fragment that is not the first one."""
    outer = decode(seen.data)
    frame = outer.inner if outer.inner and outer.inner.ip else outer
    if frame.ip is None or frame.ip.fragment_offset:
        return None
    transport = frame.transport
    return Sighting(
        place=seen.place,
        time_ns=seen.time_ns,
        outgoing=seen.outgoing,
        identity=identity(frame),
        packet=packet_of(frame),
        flags=transport.flag_names if isinstance(transport, Tcp) else (),
        payload_bytes=transport.payload_bytes if transport else 0,
        tunnel=outer.packet if frame is not outer else None,
        error=_error(frame),
    )


def at_rule(network_header: bytes, transport_header: bytes) -> tuple[Identity, Packet | None]:
    """Return the identity and the tuple of a packet of which a trace message shows the headers."""
    frame = decode_ip(network_header + transport_header)
    return identity(frame), packet_of(frame)


def identity(frame: Frame) -> Identity:
    """Return what tells a packet from others and is translated by nobody; () if it is no IP.

    Lengths of datagrams are left out: the first fragment of one is known as the whole.
    """
    ip, inside = frame.ip, frame.transport
    if ip is None:
        return ()
    common = (ip.family, ip.identification or ip.flow_label, ip.protocol)
    match inside:
        case None:
            return common
        case Tcp():
            return (*common, inside.sequence, inside.acknowledgement, inside.flags, inside.payload_bytes)
        case Icmp():
            shown = QUOTED_BYTES[ip.family] if frame.is_error else PAYLOAD_BYTES
            return (*common, inside.type, inside.code, inside.sequence, inside.payload[:shown])
        case _:
            return (*common, inside.payload[:PAYLOAD_BYTES])


def packet_of(frame: Frame) -> Packet | None:
    """Return who sends it to whom; of ICMP that is no echo the destination port is the type. None if it has no ports."""
    if frame.packet or frame.ip is None or not isinstance(frame.transport, Icmp) or frame.protocol not in NUMBERS:
        return frame.packet
    return Packet(
        protocol=frame.protocol, source=frame.ip.source, destination=frame.ip.destination, ttl=frame.ip.ttl,
        destination_port=frame.transport.type,
    )  # fmt: skip


def _error(frame: Frame) -> IcmpError | None:
    if not frame.is_error or not isinstance(frame.transport, Icmp):
        return None
    about = frame.quoted.packet if frame.quoted else None
    return IcmpError(frame.transport.type, frame.transport.code, about, frame.transport.mtu)
