"""Who sends a packet to whom, as data for JSON: the same in every schema that has packets."""

from __future__ import annotations

from typing import Any

from netlab.netstate.conntrack import FlowTuple
from netlab.packets.names import Names
from netlab.packets.packet import Packet
from netlab.packets.steps import flow_tuple


def packet_data(packet: Packet, names: Names) -> dict[str, Any]:
    """Return protocol, source and destination: {address, port, name}, and the time to live."""
    return {"protocol": packet.protocol, **sides(flow_tuple(packet), names), "ttl": packet.ttl}


def sides(flow: FlowTuple, names: Names) -> dict[str, Any]:
    """Return source and destination: {address, port, name}."""
    ends = (("source", flow.source, flow.source_port), ("destination", flow.destination, flow.destination_port))
    return {
        side: {"address": address, "port": port, "name": names.service(flow.protocol, address, port) or names.of(address)}
        for side, address, port in ends
    }
