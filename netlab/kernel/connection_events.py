"""What becomes of the connections of a namespace: nf_conntrack's own events, parsed. Source: nf_conntrack_netlink.c.

Since Linux 6.0 the kernel makes events for connections that begin while somebody listens (nf_conntrack_events is 2), before it
always did. An event is sent before the packet that caused it leaves the namespace, but read by us later.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

from netlab.kernel.netfilter_groups import GroupListener
from netlab.kernel.netlink import NETLINK_NETFILTER, Message, NetlinkSocket, attribute, attributes, nested
from netlab.netstate.conntrack import Change, ConnectionEvent, FlowTuple, TrackedConnection
from netlab.netstate.names import NetnsName

PROTOCOLS: Final = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp"}

_GROUPS: Final = (1, 2, 3)  # NFNLGRP_CONNTRACK_NEW, _UPDATE, _DESTROY
_CT_NEW, _CT_GET, _CT_DELETE = (1 << 8), (1 << 8) | 1, (1 << 8) | 2
_NLM_F_CREATE: Final = 0x400
_NFGENMSG_BYTES: Final = 4
_ORIGINAL, _REPLY, _STATUS, _PROTOINFO, _MARK, _ID = 1, 2, 3, 4, 8, 12
_IP, _PROTO = 1, 2
_PROTOINFO_TCP, _TCP_STATE = 1, 1
_ADDRESSES: Final = {1: socket.AF_INET, 2: socket.AF_INET, 3: socket.AF_INET6, 4: socket.AF_INET6}
_NUMBER, _SOURCE_PORT, _DESTINATION_PORT = 1, 2, 3
_ECHOES: Final = {"icmp": (4, 5), "icmpv6": (7, 8)}  # CTA_PROTO_ICMP_ID and _TYPE, of each family
_TCP_STATES: Final = (
    "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2",
)  # fmt: skip


class ConnectionEvents(GroupListener):
    """The events of the thread's namespace, from now on."""

    def __init__(self, name: NetnsName) -> None:
        super().__init__(name, _GROUPS)

    def read(self) -> Iterator[ConnectionEvent]:
        """Yield what has come."""
        for kind, flags, payload in self.heard():
            change: Change = "destroy" if kind == _CT_DELETE else "new" if flags & _NLM_F_CREATE else "update"
            entry = parse_entry(payload)
            if kind in {_CT_NEW, _CT_DELETE} and entry is not None:
                yield ConnectionEvent(self.name, time.time_ns(), change, entry)

    def forget(self, flows: Sequence[FlowTuple]) -> None:
        """Delete connections of UDP over IPv4; one that is gone is fine. What waits to be read is lost."""
        with suppress(OSError):
            self._socket.request([Message(_CT_DELETE, 0, _request(flow)) for flow in flows])


def _request(flow: FlowTuple) -> bytes:
    """The tuple as a request names it: addresses and ports in network order."""
    sides = [attribute(kind, socket.inet_aton(address)) for kind, address in ((1, flow.source), (2, flow.destination))]
    ports = ((_SOURCE_PORT, flow.source_port), (_DESTINATION_PORT, flow.destination_port))
    proto = [attribute(_NUMBER, bytes([socket.IPPROTO_UDP]))]
    proto += [attribute(kind, port.to_bytes(2, "big")) for kind, port in ports]
    return bytes([socket.AF_INET, 0, 0, 0]) + nested(_ORIGINAL, nested(_IP, *sides), nested(_PROTO, *proto))


def entries() -> list[TrackedConnection]:
    """Return the connections of the thread's namespace, of both IP families. Raises OSError."""
    with NetlinkSocket(NETLINK_NETFILTER) as netlink:
        payloads = netlink.dump(Message(_CT_GET, 0, bytes(_NFGENMSG_BYTES)))
    return [entry for entry in map(parse_entry, payloads) if entry is not None]


def parse_entry(payload: bytes) -> TrackedConnection | None:
    """Return the connection that a message is about; None if its protocol has neither ports nor echoes."""
    found = attributes(payload, _NFGENMSG_BYTES)
    original, reply = (_tuple(attributes(found[side])) if side in found else None for side in (_ORIGINAL, _REPLY))
    if original is None or reply is None:
        return None
    state = attributes(attributes(found.get(_PROTOINFO, b"")).get(_PROTOINFO_TCP, b"")).get(_TCP_STATE, b"")
    return TrackedConnection(
        original=original,
        reply=reply,
        status=_number(found, _STATUS),
        state=_TCP_STATES[state[0]] if state and state[0] < len(_TCP_STATES) else "",
        identity=_number(found, _ID),
        mark=_number(found, _MARK),
    )


def _tuple(found: Mapping[int, bytes]) -> FlowTuple | None:
    addresses = attributes(found.get(_IP, b""))
    proto = attributes(found.get(_PROTO, b""))
    protocol = PROTOCOLS.get(_number(proto, _NUMBER))
    sides = [socket.inet_ntop(_ADDRESSES[kind], value) for kind, value in sorted(addresses.items()) if kind in _ADDRESSES]
    if protocol is None or len(sides) != len(("source", "destination")):
        return None
    ports = _ECHOES.get(protocol, (_SOURCE_PORT, _DESTINATION_PORT))
    return FlowTuple(protocol, sides[0], _number(proto, ports[0]), sides[1], _number(proto, ports[1]))


def _number(found: Mapping[int, bytes], kind: int) -> int:
    return int.from_bytes(found.get(kind, b""), "big")
