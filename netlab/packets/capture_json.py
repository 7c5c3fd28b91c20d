"""A captured packet as data: a line of `netlab capture -o json`. Fields are added to a schema, never changed or taken away.

schema      "netlab.capture/v1"
timeNs      since 1970
where       the interface by its name (`node-1/eth0`); netns, interface: as Linux has them
kind        out (sent by that namespace) or in (received)
wireBytes   how long it is; keptBytes: how much of it was captured (-s)
summary     as the line without -o json says it
packet      protocol, source, destination: {address, port, name}, ttl; null for what has no ports and is no echo
tunnel      the same of the packet that carries it; null if none does
flags       those of TCP
payloadBytes  what its sender sent
translated  what was translated since the place before, in words
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from netlab.netstate.seen import SeenPacket
from netlab.packets.frame import Frame, Tcp
from netlab.packets.names import Names
from netlab.packets.packet_json import packet_data
from netlab.packets.summary import summary

SCHEMA: Final = "netlab.capture/v1"


def as_data(seen: SeenPacket, outer: Frame, changes: Sequence[str], names: Names) -> dict[str, Any]:
    """Return a packet as plain data, for JSON. `outer` is what its bytes say, `changes` what was translated."""
    frame = outer.inner if outer.inner and outer.inner.ip else outer
    transport = frame.transport
    return {
        "schema": SCHEMA,
        "timeNs": seen.time_ns,
        "where": names.place(seen.place),
        "netns": seen.place.netns,
        "interface": seen.place.ifname,
        "kind": "out" if seen.outgoing else "in",
        "wireBytes": seen.wire_bytes,
        "keptBytes": len(seen.data),
        "summary": summary(outer, names),
        "packet": packet_data(frame.packet, names) if frame.packet else None,
        "tunnel": packet_data(outer.packet, names) if frame is not outer and outer.packet else None,
        "flags": list(transport.flag_names) if isinstance(transport, Tcp) else [],
        "payloadBytes": transport.payload_bytes if transport else 0,
        "translated": list(changes),
    }
