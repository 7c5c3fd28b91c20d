"""The nouns of a trace: steps, the rules that acted in them, and the passage of a packet that they make up.

out, in ......... an interface that the packet was seen at, by an instrument
prerouting ...... a netfilter hook where rules matched or the packet was translated; likewise the other hooks
routing ......... the route the namespace has for it
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from netlab.frozen import dataclass
from netlab.model.meta import ObjectMeta
from netlab.netstate.conntrack import FlowTuple, TrackedConnection
from netlab.netstate.names import NetnsName
from netlab.netstate.nft import Element
from netlab.netstate.rule_trace import Rules
from netlab.packets.joining import Direction
from netlab.packets.names import short_name
from netlab.packets.packet import Packet
from netlab.packets.sighting import IcmpError

Kind = Literal["out", "in", "prerouting", "input", "forward", "output", "postrouting", "routing"]

_COMMENT: Final = re.compile(r'--comment "?(?:masquerade [a-z ]*traffic for )?([^" :]+/[^" ]+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleUse:
    """A rule that matched, as its program prints it, and the elements by which it did."""

    where: Rules
    text: str
    verdict: str
    elements: tuple[Element, ...] = ()

    @property
    def only_leads_on(self) -> bool:
        """Tell whether it decides nothing by itself: it jumps, or goes on, and no element of a map chose where to."""
        return not self.elements and self.verdict.split()[0] in {"jump", "goto", "continue", "return"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. `interface` is "" at hooks; `time_ns` None where nothing has a clock. `packet` becomes `after` in this step.

    `remembered`: conntrack made the change, which remembers the connection, and no rule. `tunnel` is the outer packet.
    `connection` is the entry that begins or changes here.
    """

    number: int = 0
    netns: NetnsName
    kind: Kind
    interface: str = ""
    time_ns: int | None = None
    packet: Packet
    after: Packet
    rules: tuple[RuleUse, ...] = ()
    remembered: bool = False
    is_dropped: bool = False
    route: str = ""
    tunnel: Packet | None = None
    connection: TrackedConnection | None = None

    @property
    def is_translated(self) -> bool:
        """Tell whether an address or a port is another one afterwards."""
        return self.packet != self.after

    @property
    def is_quiet(self) -> bool:
        """Tell whether there is nothing to see: rules were passed, and none of them changed or decided anything."""
        return self.kind not in {"in", "out", "routing"} and not (self.is_translated or self.is_dropped or self.connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """The way of one packet, told in steps. `flags` are those of TCP; `error` what ICMP says, if it is such a packet."""

    direction: Direction
    flags: tuple[str, ...]
    payload_bytes: int
    error: IcmpError | None
    steps: tuple[Step, ...]

    @property
    def packet(self) -> Packet:
        """What it was when it was seen first."""
        return self.steps[0].packet

    @property
    def name(self) -> str:
        """Return what it is in a few words: `SYN`, `ACK, 6 bytes`, `echo request`, `udp, 32 bytes`."""
        if self.error:
            return error_text(self.packet.protocol, self.error)
        if self.packet.is_echo:
            return str(self.packet).split(" ", 1)[1].rsplit(" ", 3)[0]
        words = " ".join(self.flags) or self.packet.protocol
        return f"{words}, {self.payload_bytes} bytes" if self.payload_bytes else words


ERRORS: Final[Mapping[tuple[str, int], Mapping[int, str]]] = {
    ("icmp", 3): {
        0: "network unreachable", 1: "host unreachable", 2: "protocol unreachable", 3: "port unreachable",
        4: "fragmentation needed", 9: "network prohibited", 10: "host prohibited", 13: "administratively prohibited",
    },
    ("icmp", 11): {0: "time to live exceeded", 1: "fragments missing"},
    ("icmpv6", 1): {
        0: "no route", 1: "administratively prohibited", 3: "address unreachable", 4: "port unreachable",
        5: "source address failed", 6: "rejected route",
    },
    ("icmpv6", 2): {0: "packet too big"},
    ("icmpv6", 3): {0: "hop limit exceeded", 1: "fragments missing"},
}  # fmt: skip
"""Errors by type and code, in words. Source: RFC 792, 1122 section 3.2.2.1, 1812, 4443."""


def error_text(protocol: str, error: IcmpError) -> str:
    """Return what an error of ICMP says: `icmp port unreachable`."""
    return f"{protocol} {ERRORS.get((protocol, error.type), {}).get(error.code, f'type {error.type} code {error.code}')}"


def owner_of(item: Element | str) -> str:
    """Return whose an element or a rule of iptables is, as its comment says it: `default/web:http`; "" if it says nothing."""
    if isinstance(item, Element):
        return item.comment
    found = _COMMENT.search(item)
    return found[1] if found else ""


def owner(rules: Sequence[RuleUse]) -> str:
    """Return whose these rules are, as the last one says that says it: `svc/web`, `svc/web.prod` of another Namespace."""
    said = [owner_of(item) for rule in rules for item in _texts_of(rule)]
    found = next((one for one in reversed(said) if one), "")
    namespace, _, name = found.partition(":")[0].partition("/")
    return f"svc/{short_name(ObjectMeta(name=name, namespace=namespace))}" if name else found


def refuses(rules: Sequence[RuleUse]) -> bool:
    """Tell whether the last of these rules tells the sender that it ended its packet."""
    return bool(rules) and "reject" in rules[-1].text


def _texts_of(rule: RuleUse) -> tuple[Element | str, ...]:
    return (rule.text, *rule.elements)


def flow_tuple(packet: Packet) -> FlowTuple:
    """Return a packet's tuple as conntrack writes it."""
    return FlowTuple(packet.protocol, packet.source, packet.source_port, packet.destination, packet.destination_port)
