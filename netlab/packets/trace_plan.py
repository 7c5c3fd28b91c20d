"""Where to look for a request, decided from the lab's state: interfaces, rules, a filter; and what explains what is seen. Pure.

The ways that a request may take are walked (walk.py), every choice of chance, and those of its answers. Where no walk is
possible, or there are too many, everything is looked at.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Final

from netlab.frozen import dataclass
from netlab.netstate.iptables import is_ours, target
from netlab.netstate.links import Vxlan
from netlab.netstate.names import IfName, NetnsName
from netlab.netstate.nft import Element
from netlab.netstate.rule_trace import Rules
from netlab.netstate.seen import Place
from netlab.netstate.state import NetState
from netlab.packets import marking
from netlab.packets.headers import VXLAN_PORTS
from netlab.packets.hops import Hop, Walk
from netlab.packets.joining import Call
from netlab.packets.links import veths
from netlab.packets.packet import Packet
from netlab.packets.routing import CannotWalk
from netlab.packets.steps import RuleUse, Step
from netlab.packets.tokens import UnknownRule
from netlab.packets.walk import Walker

MOST_WALKS: Final = 200
"""How many choices of chance are walked: one that is not may be the one that is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where to look for a request: on the `walks` that it may take, and on those of its answers.

    `tables` are for namespaces that have rules; those of the others are not needed. `peers` are the ends of veths with their
    other ends, where both are looked at: what one receives the other has sent.
    """

    sent: Packet
    walks: tuple[Walk, ...]
    places: tuple[Place, ...]
    peers: Mapping[Place, Place]
    tables: Mapping[NetnsName, str]
    words: tuple[str, ...]


def plan_for(net: NetState, netns: NetnsName, packet: Packet, table: str, canary: str) -> Plan:
    """Return where to look for a packet that is sent from `netns`; everywhere if it cannot be known where it may pass.

    Args:
        net: the lab as it is.
        netns: the sender's namespace.
        packet: what it will send; routing may fill in its source.
        table: the name of the tables that mark packets for tracing.
        canary: the words of a filter that let canaries pass.
    """
    try:
        walker = Walker(net)
        branches = walker.branches(netns, packet)
        walks = tuple(itertools.islice(branches, MOST_WALKS))
        are_all = next(branches, None) is None
        walks += tuple(walker.reply(one) for one in walks if one.verdict.is_delivered)
        tunnels = tuple(tunnel_walks(net, walker, walks))
    except (UnknownRule, CannotWalk, KeyError):
        walks, tunnels, are_all = (), (), False
    sent = walks[0].packet if walks else packet
    wanted = marking.matches(walk for walk in walks if walk.packet == sent)
    every = () if are_all else (Place(item.name, link.name) for item in net.namespaces for link in item.links)
    places = tuple(sorted({*places_on((*walks, *tunnels)), *every}))
    ports = {
        one
        for walk in walks
        for hop in walk.hops
        for side in (hop.before, hop.after)
        for one in (side.source_port, side.destination_port)
    }
    return Plan(
        sent=sent,
        walks=walks,
        places=places,
        peers=peers_among(net, places),
        tables={name: marking.table(table, one) for name, one in sorted(wanted.items())},
        words=filter_words(packet.protocol, ports | {packet.source_port, packet.destination_port}, canary),
    )


def tunnel_walks(net: NetState, walker: Walker, walks: Sequence[Walk]) -> Iterator[Walk]:
    """Yield the ways of the packets that carry others through tunnels on these walks."""
    tunnels = {(item.name, link.name): link for item in net.namespaces for link in item.links if isinstance(link, Vxlan)}
    links = [hop for walk in walks for hop in walk.hops if hop.stage == "link"]
    passed = {(hop.netns, hop.oif, hop.peer or hop.netns, hop.iif) for hop in links}
    for name, oif, peer, iif in sorted(passed):
        near, far = tunnels.get((name, IfName(oif))), tunnels.get((peer, IfName(iif)))
        if near and far:
            outer = Packet(protocol="udp", source=near.local, destination=far.local, destination_port=near.port)
            yield walker.walk(name, outer)


def places_on(walks: Sequence[Walk]) -> set[Place]:
    """Return every interface that a packet passes on these walks, ports of bridges included."""
    return {place for walk in walks for hop in walk.hops for place in _places(hop)}


def peers_among(net: NetState, places: Collection[Place]) -> Mapping[Place, Place]:
    """Return the ends of veths that are both among these places, each with the other end.

    Not where one takes larger packets than the other: those it sends get lost between them, and nobody receives them.
    """
    found = veths(net)
    ends = {place: Place(link.peer_netns, link.peer_name) for place, link in found.items()}
    return {
        place: ends[place]
        for place in sorted(places)
        if ends.get(place) in places and (peer := found.get(ends[place])) and peer.mtu == found[place].mtu
    }


def _places(hop: Hop) -> Iterator[Place]:
    if hop.stage != "link":
        yield from (Place(hop.netns, IfName(one)) for one in (hop.iif, hop.oif) if one)
        return
    yield from (Place(hop.netns, IfName(one)) for one in hop.ports)
    if hop.peer:
        yield Place(hop.peer, IfName(hop.iif))


def filter_words(protocol: str, ports: set[int], canary: str) -> tuple[str, ...]:
    """Return the filter that lets the request pass, what may answer it, what may carry it, and canaries."""
    words = [
        "arp or icmp or icmp6",
        canary,
        *(f"udp port {port}" for port in sorted(VXLAN_PORTS)),
        "ip6[6] == 44",  # a fragment, behind whose header ports are not looked for
        "ip[6:2] & 0x1fff != 0",
    ]
    if protocol in {"tcp", "udp", "sctp"}:
        words += [f"({protocol} and ({' or '.join(f'port {one}' for one in sorted(ports) if one)}))"]
    return (" or ".join(words),)


def untold_rules(walks: Sequence[Walk], legacy: Collection[NetnsName], step: Step) -> tuple[RuleUse, ...]:
    """Find the rules of iptables-legacy, of which nf_tables tells nothing, that make of a packet what it was seen to become."""
    found = _hop_with(step.after, _hops(walks, step.netns, step.kind), _AFTER)
    if found is None or step.netns not in legacy:
        return ()
    return tuple(
        RuleUse(
            where=Rules("ip6" if step.packet.is_ipv6 else "ip", "nat", one.chain),
            text=one.rule,
            verdict=f"jump {target(one.rule)}" if is_ours(target(one.rule)) else target(one.rule) or "continue",
            elements=one.elements,
        )
        for one in found.matched
    )


def matched_elements(walks: Sequence[Walk], call: Call, after: Packet) -> Mapping[tuple[str, str], tuple[Element, ...]]:
    """Find the elements by which the rules of a hook match, on the walk on which it ends as it was seen to.

    A chain that changes nothing may come before one that does: then on a walk on which it begins so.
    """
    hops = _hops(walks, call.netns, call.hook)
    found = _hop_with(after, hops, _AFTER)
    if found is None and after == call.packet:
        found = _hop_with(after, hops, _BEFORE)
    return {(one.chain, one.rule): one.elements for one in found.matched} if found else {}


_BEFORE, _AFTER = attrgetter("before"), attrgetter("after")


def _hops(walks: Sequence[Walk], netns: NetnsName, hook: str) -> list[Hop]:
    """How these walks pass a hook."""
    return [hop for walk in walks for hop in walk.hops if hop.netns == netns and hop.stage == hook]


def _hop_with(packet: Packet, hops: Sequence[Hop], side: Callable[[Hop], Packet]) -> Hop | None:
    """The hop that has this packet on a side: if need be another source port, which masquerading draws, there or before."""
    like = [hop for hop in hops if replace(side(hop), source_port=packet.source_port) == packet]
    return next((hop for hop in like if side(hop) == packet), like[0] if like else None)
