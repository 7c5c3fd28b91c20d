"""A packet as conntrack sees it: who sends what to whom. Both families; addresses are text as ip(8) prints them.

    tcp, udp, sctp ... two ports
    icmp, icmpv6 ..... an echo: `source_port` is its identifier, `destination_port` its type, as in a conntrack tuple

Errors of ICMP are no packets here but the end of a walk (netlab.packets.hops.Verdict). Source: nf_conntrack_tuple.h.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import Final

from netlab.frozen import dataclass
from netlab.netstate.links import is_ipv6

NUMBERS: Final = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58, "sctp": 132}
"""Protocols that can be walked, and their numbers. Source: IANA, protocol-numbers."""

ECHO_NAMES: Final = {8: "echo request", 0: "echo reply", 128: "echo request", 129: "echo reply"}
ANSWERS: Final = {8: 0, 0: 8, 128: 129, 129: 128}
ECHO_REQUESTS: Final = {"icmp": 8, "icmpv6": 128}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Packet:
    """The first packet of a connection, or a later one if conntrack knows it. Two packets with the same tuple are equal.

    An empty `source` is filled in by routing where the packet is sent, as for a socket that is not bound.
    """

    protocol: str
    source: str = ""
    destination: str
    source_port: int = 0
    destination_port: int = 0
    ttl: int = field(default=64, compare=False)

    def __post_init__(self) -> None:
        if self.protocol not in NUMBERS:
            raise ValueError(f"{self.protocol}: only {', '.join(sorted(NUMBERS))} can be walked")

    @property
    def is_ipv6(self) -> bool:
        """Tell the family."""
        return is_ipv6(self.destination)

    @property
    def family(self) -> int:
        """4 or 6."""
        return 6 if self.is_ipv6 else 4

    @property
    def icmp(self) -> str:
        """The ICMP of its family, by the name nft has for it."""
        return "icmpv6" if self.is_ipv6 else "icmp"

    @property
    def is_echo(self) -> bool:
        """Tell whether it is a ping or its answer."""
        return self.protocol in ECHO_REQUESTS

    @property
    def answer(self) -> Packet:
        """The packet the receiver answers with."""
        ports = (
            (self.source_port, ANSWERS[self.destination_port]) if self.is_echo else (self.destination_port, self.source_port)
        )
        return Packet(
            protocol=self.protocol,
            source=self.destination,
            destination=self.source,
            source_port=ports[0],
            destination_port=ports[1],
        )

    def to(self, address: str, port: int) -> Packet:
        """The same packet with another destination."""
        return replace(self, destination=address, destination_port=port)

    def come_from(self, address: str, port: int) -> Packet:
        """The same packet with another source."""
        return replace(self, source=address, source_port=port)

    def __str__(self) -> str:
        """`tcp 10.244.1.4:40000 > 10.96.0.21:80`, as tcpdump(8) points the arrow."""
        if self.is_echo:
            kind = ECHO_NAMES.get(self.destination_port, f"type {self.destination_port}")
            return f"{self.protocol} {kind} {self.source} > {self.destination}"
        source, destination = endpoint(self.source, self.source_port), endpoint(self.destination, self.destination_port)
        return f"{self.protocol} {source} > {destination}"


def ping(source: str, destination: str, *, identifier: int = 1) -> Packet:
    """Return an echo request of the family of `destination`."""
    protocol = "icmpv6" if is_ipv6(destination) else "icmp"
    return Packet(
        protocol=protocol,
        source=source,
        destination=destination,
        source_port=identifier,
        destination_port=ECHO_REQUESTS[protocol],
    )


def endpoint(address: str, port: int) -> str:
    """Return `10.96.0.21:80` or `[fd00::21]:80`; `*:80` where no address is chosen yet."""
    return f"[{address}]:{port}" if is_ipv6(address) else f"{address or '*'}:{port}"
