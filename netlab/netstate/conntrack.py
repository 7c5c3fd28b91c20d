"""Connections that a network namespace tracks, in Linux words: entries, what becomes of them, and how full their table is.

Source: nf_conntrack_tuple.h, nf_conntrack_common.h (status), nf_conntrack_tcp.h (states); conntrack(8) for the words.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from netlab.netstate.links import is_ipv6
from netlab.netstate.names import NetnsName

Change = Literal["new", "update", "destroy"]


class ConntrackTable(NamedTuple):
    """`entries` of at most `limit` (0: as many as there are); the others are counts since the namespace was made.

    `dropped` packets found no room for their connection, or lost their place to another one of the same address; for others
    room was made: `evicted` connections, that nobody had answered yet, were forgotten.
    """

    entries: int
    limit: int
    dropped: int
    evicted: int

    @property
    def is_full(self) -> bool:
        """Tell whether a new connection finds no room."""
        return 0 < self.limit <= self.entries

    def has_overflowed_since(self, before: ConntrackTable | None) -> bool:
        """Tell whether a connection found no room since an earlier look; None: since the namespace was made.

        An eviction proves it. A packet that was dropped does so only while the table is full: there are other reasons.
        """
        if before is None or before.evicted > self.evicted or before.dropped > self.dropped:  # made anew: it counts from 0
            before = ConntrackTable(0, 0, 0, 0)
        return self.evicted > before.evicted or (self.is_full and self.dropped > before.dropped)


class FlowTuple(NamedTuple):
    """Who sends what to whom: one direction of a connection. Of an echo, the ports are its identifier and its type."""

    protocol: str
    source: str
    source_port: int
    destination: str
    destination_port: int

    @property
    def answer(self) -> FlowTuple:
        """The direction of the answers, if nothing is translated; of an echo the type stays."""
        if self.protocol in {"icmp", "icmpv6"}:
            return FlowTuple(self.protocol, self.destination, self.source_port, self.source, self.destination_port)
        return FlowTuple(self.protocol, self.destination, self.destination_port, self.source, self.source_port)

    def __str__(self) -> str:
        if self.protocol in {"icmp", "icmpv6"}:
            return f"{self.source} > {self.destination}"
        return f"{_socket(self.source, self.source_port)} > {_socket(self.destination, self.destination_port)}"


def _socket(address: str, port: int) -> str:
    return f"[{address}]:{port}" if is_ipv6(address) else f"{address}:{port}"


class TrackedConnection(NamedTuple):
    """A tracked connection: its two tuples differ by more than direction where it is translated.

    `status` are the bits of ip_conntrack_status; `state` is that of TCP, "" for others; `identity` is the kernel's number.
    """

    original: FlowTuple
    reply: FlowTuple
    status: int
    state: str = ""
    identity: int = 0
    mark: int = 0

    @property
    def has_new_source(self) -> bool:
        """Tell whether the source is translated (IPS_SRC_NAT)."""
        return bool(self.status & 1 << 4)

    @property
    def has_new_destination(self) -> bool:
        """Tell whether the destination is translated (IPS_DST_NAT)."""
        return bool(self.status & 1 << 5)

    @property
    def is_answered(self) -> bool:
        """Tell whether a packet of the other direction was seen (IPS_SEEN_REPLY)."""
        return bool(self.status & 1 << 1)

    @property
    def is_assured(self) -> bool:
        """Tell whether it stays when the table is full (IPS_ASSURED)."""
        return bool(self.status & 1 << 2)


class ConnectionEvent(NamedTuple):
    """What became of a connection in one namespace; `time_ns` is when it was read, in nanoseconds since the epoch."""

    netns: NetnsName
    time_ns: int
    change: Change
    entry: TrackedConnection
