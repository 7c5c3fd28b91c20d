"""Connections that a namespace tracks: UDP flows whose translation is out of date are forgotten, a full table is seen.

Source: kube-proxy's conntrack cleanup, nf_conntrack_netlink.c.

A UDP flow never ends by itself: a client that keeps its port is sent to the endpoint it was given first for as long as it
keeps talking, long after that endpoint is gone. So after endpoints change, the flows that were translated to a gone one are
deleted; the next packet is translated anew. TCP flows are never touched: a connection belongs to the endpoint that took it.

The comparison is kube-proxy's: the flow's *original* destination is the Service's address and port, its *reply* source is
the endpoint. Flows of other destinations are not looked at, whoever made them.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from netlab.errors import KernelError
from netlab.frozen import dataclass
from netlab.kernel import netns
from netlab.kernel.files import read
from netlab.kernel.late_close import netfilter_socket
from netlab.kernel.netlink import Message, NetlinkSocket, attribute, attributes
from netlab.netstate.conntrack import ConntrackTable
from netlab.netstate.names import NetnsName

_CT_GET, _CT_DELETE = (1 << 8) | 1, (1 << 8) | 2
_CTA_TUPLE_ORIG, _CTA_TUPLE_REPLY, _CTA_ID, _CTA_ZONE = 1, 2, 12, 18
_CTA_TUPLE_IP, _CTA_TUPLE_PROTO = 1, 2
# Of each family: the attributes of a tuple's source and destination.
_CTA_IP: Final = {socket.AF_INET: (1, 2), socket.AF_INET6: (3, 4)}
_CTA_PROTO_NUM, _CTA_PROTO_DST_PORT = 1, 3
_NESTED: Final = 0x8000
SYSCTLS: Final = Path("/proc/sys/net/netfilter")
COUNTERS: Final = Path("/proc/thread-self/net/stat/nf_conntrack")
Result = TypeVar("Result")
_NFGENMSG: Final = struct.Struct("=BBH")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class UdpFlow:
    """One UDP entry: where its first packet was sent, and who answers. `family` and `identity` are for its deletion."""

    address: str
    port: int
    endpoint: str
    family: int = socket.AF_INET
    identity: bytes = b""


def udp_flows(name: NetnsName) -> list[UdpFlow]:
    """Return the UDP entries of a namespace, of both IP families. Raises KernelError."""
    return _in_namespace(name, _dump)


def keep_udp_to(name: NetnsName, serving: Mapping[tuple[str, int], frozenset[str]]) -> int:
    """Delete the UDP entries to each (address, port) of `serving` that none of its endpoints answers; return how many.

    The level-triggered cut, as kube-proxy has it since 1.32: no knowledge of what changed is needed, a crash between the
    change and the clean-up heals by the next call. A Service without endpoints is given as an empty set. An entry that ended
    meanwhile is no error. Raises KernelError.
    """

    def delete(netlink: NetlinkSocket) -> int:
        if not _entries():  # a listing takes 20 ms, whatever there is: the kernel looks through the table of all namespaces
            return 0
        stale = [
            flow for flow in _dump(netlink) if flow.endpoint not in serving.get((flow.address, flow.port), {flow.endpoint})
        ]
        errors = netlink.request([Message(_CT_DELETE, 0, _NFGENMSG.pack(flow.family, 0, 0) + flow.identity) for flow in stale])
        for code in errors:
            if code not in {0, errno.ENOENT}:
                raise OSError(code, os.strerror(code))
        return errors.count(0)

    return _in_namespace(name, delete) if serving else 0


def table_of(name: NetnsName) -> ConntrackTable | None:
    """Return how full the table of a namespace is; None if its kernel tracks no connections. Raises KernelError.

    Each namespace has a table of its own, the limit is one for all, which only the machine's own namespace may change.
    Source: networking/nf_conntrack-sysctl; nf_conntrack_core.c (__nf_conntrack_alloc), nf_conntrack_standalone.c.
    """

    def look() -> ConntrackTable | None:
        try:
            limit = int((SYSCTLS / "nf_conntrack_max").read_text())
        except FileNotFoundError:
            return None
        counts = parse_counters(read(COUNTERS) or "")
        return ConntrackTable(_entries(), limit, counts.get("drop", 0), counts.get("early_drop", 0))

    try:
        return netns.in_namespace(name, look)
    except (OSError, ValueError) as error:
        raise KernelError(f"conntrack: {name}: {error}") from error


def _entries() -> int:
    """How many entries the thread's namespace has; none where the kernel tracks no connections. Raises OSError."""
    try:
        return int((SYSCTLS / "nf_conntrack_count").read_text())
    except FileNotFoundError:
        return 0


def parse_counters(text: str) -> dict[str, int]:
    """Return the counters of /proc/net/stat/nf_conntrack, all processors together: a line of names, lines of hexadecimals."""
    names, *rows = (line.split() for line in text.splitlines()) if text else [[]]
    return {name: sum(int(row[position], 16) for row in rows) for position, name in enumerate(names)}


def _in_namespace(name: NetnsName, function: Callable[[NetlinkSocket], Result]) -> Result:
    def inside() -> Result:
        with netfilter_socket() as netlink:  # the rules may just have changed
            return function(netlink)

    try:
        return netns.in_namespace(name, inside)
    except OSError as error:
        raise KernelError(f"conntrack: {name}: {error.strerror}") from error


def _dump(netlink: NetlinkSocket) -> list[UdpFlow]:
    flows = (_parse(payload) for payload in netlink.dump(Message(_CT_GET, 0, _NFGENMSG.pack(socket.AF_UNSPEC, 0, 0))))
    return [flow for flow in flows if flow is not None]


def _parse(payload: bytes) -> UdpFlow | None:
    """Return the entry if it is one of UDP; its identity is the original tuple, its zone and its id."""
    family, found = payload[0], attributes(payload, _NFGENMSG.size)
    original, reply = attributes(found[_CTA_TUPLE_ORIG]), attributes(found[_CTA_TUPLE_REPLY])
    protocol = attributes(original[_CTA_TUPLE_PROTO])
    if protocol[_CTA_PROTO_NUM][0] != socket.IPPROTO_UDP or family not in _CTA_IP:
        return None
    source, destination = _CTA_IP[socket.AddressFamily(family)]
    identity = attribute(_CTA_TUPLE_ORIG | _NESTED, found[_CTA_TUPLE_ORIG])
    identity += b"".join(attribute(kind, found[kind]) for kind in (_CTA_ZONE, _CTA_ID) if kind in found)
    return UdpFlow(
        address=socket.inet_ntop(family, attributes(original[_CTA_TUPLE_IP])[destination]),
        port=int.from_bytes(protocol[_CTA_PROTO_DST_PORT], "big"),
        endpoint=socket.inet_ntop(family, attributes(reply[_CTA_TUPLE_IP])[source]),
        family=family,
        identity=identity,
    )
