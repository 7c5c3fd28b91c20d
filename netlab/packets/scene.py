"""What a rule can see and change while it is evaluated: the packet and what the kernel knows of it at this hook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field

from netlab.frozen import dataclass
from netlab.netstate.names import NetnsName
from netlab.netstate.nft import Element, ElementSet
from netlab.packets.packet import Packet
from netlab.packets.tokens import UnknownRule
from netlab.packets.traffic import Connection, Traffic
from netlab.packets.values import Key, Kind, index

Choose = Callable[[int], int]
"""Draws a number below its argument: chance is the caller's (numgen random)."""


class NoMatch(Exception):
    """The rule does not match this packet: nft's NFT_BREAK. Never leaves this room."""


@dataclass(slots=True, kw_only=True)
class Scene:
    """A packet at a hook. `iif` and `oif` are "" where it has none; `route_type` is what fib says: (address, interface or "").

    Rules change `mark`, `traffic` and the ct mark of `connection`, the entry that was found or is being made. `used` are the
    elements that lookups of the current rule found.
    """

    netns: NetnsName
    packet: Packet
    iif: str
    oif: str
    mark: int
    state: str
    connection: Connection | None
    is_reply: bool
    traffic: Traffic
    sets: Mapping[str, ElementSet]
    route_type: Callable[[str, str], int]
    choose: Choose
    used: list[Element] = field(default_factory=list)

    def find(self, name: str, kinds: tuple[Kind, ...], key: Key) -> Element | None:
        """Look up a named set or map, dynamic elements included. Raises UnknownRule if there is none of this name."""
        if name not in self.sets:
            raise UnknownRule(f"there is no set or map {name}")
        elements, learnt = self.sets[name].elements, self.traffic.elements(self.netns, name)
        return index(elements | learnt if learnt else elements, kinds).find(key)

    def entry(self) -> Connection:
        """Return the connection. Raises NoMatch if the packet belongs to none, as the kernel leaves the rule then."""
        if self.connection is None:
            raise NoMatch
        return self.connection
