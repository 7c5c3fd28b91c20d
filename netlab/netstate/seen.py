"""Packets as they pass an interface: the place, the moment, the direction, the bytes."""

from __future__ import annotations

from netlab.frozen import dataclass
from netlab.netstate.names import IfName, NetnsName


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """An interface in a network namespace: where packets can be seen. Its text is `demo.node-1/cni0`."""

    netns: NetnsName
    ifname: IfName

    def __str__(self) -> str:
        return f"{self.netns}/{self.ifname}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SeenPacket:
    """A packet that passed a place, as it was there. Packets are ordered by time.

    `time_ns` is of the kernel's real-time clock, the same one for all places. `outgoing`: the namespace sent it through the
    interface; otherwise the interface received it. `data` begins with the Ethernet header, and ends before `wire_bytes` where
    less was asked for. A packet is as it waits for the hardware: one longer than the MTU will be cut into segments (GSO), and
    a checksum that is wrong will be computed.
    """

    time_ns: int
    place: Place
    outgoing: bool
    wire_bytes: int
    data: bytes
