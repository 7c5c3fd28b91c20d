"""The story of one packet: its hops in order, and how it ended. `str(walk)` is what a user reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

from netlab.frozen import dataclass
from netlab.netstate.iptables import TABLES, is_ours, target
from netlab.netstate.names import NetnsName
from netlab.netstate.nft import Element
from netlab.packets.packet import Packet, endpoint
from netlab.packets.rules import Matched
from netlab.packets.traffic import Traffic

Stage = Literal["routing", "prerouting", "input", "forward", "output", "postrouting", "link"]
Ending = Literal["delivered", "refused", "dropped", "no route", "no neighbour", "not forwarded", "martian", "expired"]

_ONLY_LEADS_ON: Final = re.compile(r"(.* )?(jump|goto) \S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One stage of the way: a netfilter hook, a routing decision, or a link to the next namespace.

    `iif` and `oif` are the interfaces where the packet has them at this stage; a link leads from `oif` to `iif` of `peer`, past
    the `ports` of the bridge in `netns`. `matched` are the rules that matched, with the elements they used; `state` is that of
    conntrack; `route` is the route as ip(8) prints it.
    """

    netns: NetnsName
    stage: Stage
    before: Packet
    after: Packet
    iif: str = ""
    oif: str = ""
    ports: tuple[str, ...] = ()
    matched: tuple[Matched, ...] = ()
    state: str = ""
    route: str = ""
    peer: NetnsName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How it ended, and where. `packet` is what was delivered, or what it was when it was lost; `reason` is a sentence.

    `answer` is what the sender is told (`icmp port-unreachable`), "" if nobody tells him anything. `matched` are the rules that
    led to it in the chain that decided, the one that did at last; none if it was no rule.
    """

    ending: Ending
    netns: NetnsName
    packet: Packet
    reason: str
    answer: str = ""
    matched: tuple[Matched, ...] = ()

    @property
    def is_delivered(self) -> bool:
        """Tell whether it came to a socket's namespace. Whether a socket is there, the network does not know."""
        return self.ending == "delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """All of it: from `netns` the `packet` was sent, and `traffic` is what the kernel remembers afterwards."""

    netns: NetnsName
    packet: Packet
    hops: tuple[Hop, ...]
    verdict: Verdict
    traffic: Traffic

    def __str__(self) -> str:
        return "\n".join(_lines(self)) + "\n"


def _lines(walk: Walk) -> Iterator[str]:
    yield f"{walk.netns} sends {walk.packet}"
    for hop in walk.hops:
        if hop.stage == "link":
            yield f"{hop.peer} gets it on {hop.iif}{_through(hop)}"
        elif hop.stage == "routing":
            yield f"    routing: {hop.route}"
        else:
            yield from _rules(hop)
    yield f"{walk.verdict.ending}: {walk.verdict.reason}"


def _through(hop: Hop) -> str:
    """Say which ports of a bridge a frame passed: to the bridge's own namespace, or through it to another one."""
    ports = " and ".join(hop.ports)
    if not ports:
        return ""
    return f", by its port {ports}" if hop.netns == hop.peer else f", through {hop.netns} by {ports}"


def _rules(hop: Hop) -> Iterator[str]:
    for one in hop.matched:
        if not _only_leads_on(one):
            yield f"    {hop.stage}, {one.chain}: {one.rule}"
            yield from (f"        {_element(element)}" for element in one.elements)
    if hop.before != hop.after:
        how = "" if hop.matched else f", as conntrack remembers ({hop.state})"
        yield f"    {_change(hop.before, hop.after)}{how}"


def _only_leads_on(one: Matched) -> bool:
    """Tell whether a rule only leads to the next one, as those do by which all packets come to the chains of Services."""
    from_hook = any(one.chain in built_in for built_in in TABLES.values())
    return not one.elements and bool(_ONLY_LEADS_ON.fullmatch(one.rule) or (from_hook and is_ours(target(one.rule))))


def _element(element: Element) -> str:
    value = f" : {element.value}" if element.value else ""
    return f"{element.key}{value}" + (f", of {element.comment}" if element.comment else "")


def _change(before: Packet, after: Packet) -> str:
    """Say what was translated: `destination 10.96.0.21:80 becomes 10.244.2.2:8080`."""
    sides = (
        ("source", (before.source, before.source_port), (after.source, after.source_port)),
        ("destination", (before.destination, before.destination_port), (after.destination, after.destination_port)),
    )
    return ", ".join(f"{word} {endpoint(*was)} becomes {endpoint(*now)}" for word, was, now in sides if was != now)
