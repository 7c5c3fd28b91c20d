"""What a rule can see and change while it is evaluated (Scene), and what it can decide (Action).

A rule is statements in order. Each is a function of the scene that returns None if the next one is to follow, an Action if the
packet's way is decided, and raises NoMatch if the rule does not match. nft's rules and those of iptables become the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Literal

from netlab.frozen import dataclass
from netlab.netstate.names import NetnsName
from netlab.netstate.nft import Element, ElementSet
from netlab.packets.packet import Packet
from netlab.packets.tokens import UnknownRule
from netlab.packets.traffic import Connection, Traffic
from netlab.packets.values import Key, Kind, index

Choose = Callable[[int], int]
"""Draws a number below its argument: chance is the caller's (numgen random)."""


class OneIn(int):
    """An argument of Choose where only a 0 matters: something happens once in so many times."""


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


Decision = Literal["accept", "drop", "return", "continue", "jump", "goto", "reject", "dnat", "snat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What is decided: where to go on (`chain`), what to answer, or the new address. `masquerade` is snat without an address.

    `port` 0 keeps the port; `random_port`: the kernel takes any that is free.
    """

    decision: Decision
    chain: str = ""
    answer: str = ""
    address: str = ""
    port: int = 0
    random_port: bool = False


Statement = Callable[[Scene], Action | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule: its text, and its statements in order."""

    text: str
    statements: tuple[Statement, ...]


def unless(holds: Callable[[Scene], bool]) -> Statement:
    """Return a statement that ends the rule unless something holds."""

    def match(scene: Scene) -> None:
        if not holds(scene):
            raise NoMatch

    return match
