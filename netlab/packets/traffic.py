"""What packets leave behind in the kernel: tracked connections, and elements that rules add to dynamic sets. As plain values.

A connection is two tuples: its packets carry `original` where they come in, those of the other direction `reply`. Translation
is the difference between the two: decided for the first packet, remembered for all others.
Every network namespace has its own table. Time does not pass here: nothing expires. Source: nf_conntrack_core.c, nf_nat_core.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Final

from netlab.frozen import dataclass
from netlab.netstate.names import NetnsName
from netlab.netstate.nft import Element
from netlab.packets.packet import Packet
from netlab.packets.values import STATUSES

_EMPTY: Final[frozenset[Element]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """An entry of conntrack. `mark` is its ct mark; `replied`: a packet of the other direction was seen."""

    original: Packet
    reply: Packet
    mark: int = 0
    replied: bool = False

    @property
    def has_new_source(self) -> bool:
        """Tell whether the source is translated (conntrack's status SNAT)."""
        return (self.reply.destination, _client_port(self.reply)) != (self.original.source, self.original.source_port)

    @property
    def has_new_destination(self) -> bool:
        """Tell whether the destination is translated (conntrack's status DNAT)."""
        asked = self.original.answer
        return (self.reply.source, self.reply.source_port) != (asked.source, asked.source_port)

    @property
    def status(self) -> int:
        """Its status bits, as far as rules may ask for them."""
        words = {"snat": self.has_new_source, "dnat": self.has_new_destination, "seen-reply": self.replied}
        return sum(STATUSES.parse(word).low for word, holds in words.items() if holds)

    def translated(self, packet: Packet, *, is_reply: bool, side: str) -> Packet:
        """Return the packet with its new destination (`side` is `dnat`: prerouting, output) or source (input, postrouting)."""
        target = (self.original if is_reply else self.reply).answer
        if side == "dnat":
            port = packet.destination_port if packet.is_echo else target.destination_port
            return packet.to(target.destination, port)
        return packet.come_from(target.source, target.source_port)

    def __str__(self) -> str:
        return f"{self.original}, answered by {self.reply}"


def _client_port(reply: Packet) -> int:
    """The port, or the identifier of an echo, by which the client knows the connection."""
    return reply.source_port if reply.is_echo else reply.destination_port


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What has been left behind so far, by network namespace; `learnt` by the dynamic set as well."""

    connections: Mapping[NetnsName, tuple[Connection, ...]] = field(default_factory=dict)
    learnt: Mapping[tuple[NetnsName, str], frozenset[Element]] = field(default_factory=dict)

    def find(self, netns: NetnsName, packet: Packet) -> tuple[Connection, bool] | None:
        """Return the connection a packet that comes in belongs to, and whether it is of its reply direction."""
        for one in self.connections.get(netns, ()):
            if packet in {one.original, one.reply}:
                return one, packet != one.original
        return None

    def with_connection(self, netns: NetnsName, connection: Connection) -> Traffic:
        """The same with this connection, in place of an earlier one with the same original tuple."""
        others = (one for one in self.connections.get(netns, ()) if one.original != connection.original)
        return replace(self, connections={**self.connections, netns: (*others, connection)})

    def elements(self, netns: NetnsName, name: str) -> frozenset[Element]:
        """Return what rules have added to a dynamic set."""
        return self.learnt.get((netns, name), _EMPTY)

    def with_element(self, netns: NetnsName, name: str, element: Element | None, *, instead_of: str) -> Traffic:
        """The same with an element in place of the one with the key `instead_of`; None only takes that one out."""
        others = {one for one in self.elements(netns, name) if one.key != instead_of}
        return replace(self, learnt={**self.learnt, (netns, name): frozenset(others | ({element} if element else set()))})
