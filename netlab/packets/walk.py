"""A packet's way through a lab, decided from its state alone: no kernel is asked.

    sent here ..... routing, output, routing anew if translated, postrouting, link
    comes in ...... prerouting, routing, then input if it is for this namespace, else forward, postrouting, link

Another namespace is entered by the packet alone: its mark and its conntrack entry stay behind. What happens at a hook is in
netfilter.py. Not walked: fragments, sizes, time, errors of ICMP, rp_filter (Nodes switch it off).
Source: the kernel's ip_input.c, ip_forward.c, ip_output.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from netlab.frozen import dataclass
from netlab.netstate.names import NetnsName
from netlab.netstate.state import Namespace, NetState
from netlab.packets.hops import Ending, Hop, Verdict, Walk
from netlab.packets.iptables import iptables_rulesets
from netlab.packets.links import Links
from netlab.packets.netfilter import Visit
from netlab.packets.packet import Packet
from netlab.packets.routing import LO, Routes, Way
from netlab.packets.rules import Hook, Ruleset, nft_ruleset
from netlab.packets.scene import Choose, OneIn
from netlab.packets.traffic import Traffic

NOTHING: Final = Traffic()
IN_ICMPV6: Final = {"net-unreachable": "no-route", "host-unreachable": "addr-unreachable"}
"""Errors of ICMP that have other names in ICMPv6. Source: nft(8), REJECT STATEMENT; RFC 4443 section 3.1."""


def first(_: int) -> int:
    """Choose the first of several endpoints."""
    return 0


class Walker:
    """A lab's network, read once and walked often. Raises UnknownRule if a table holds a rule that is not known."""

    def __init__(self, net: NetState) -> None:
        self.routes = {name: Routes(item) for name, item in net.by_name.items()}
        self.links = Links(net, self.routes)
        self.rules = {name: tuple(_rulesets(item)) for name, item in net.by_name.items()}

    def walk(self, netns: NetnsName, packet: Packet, *, choose: Choose = first, traffic: Traffic = NOTHING) -> Walk:
        """Return what happens to a packet that a process in `netns` sends.

        Args:
            netns: the namespace of the sender.
            packet: what it sends; without a source, routing finds one.
            choose: draws where rules draw; all that is random is in here, but for ports that masquerading draws: the packet's
                own is kept while it is free.
            traffic: what earlier packets have left behind. Later ones, and replies, need that of the walk before.

        Raises:
            CannotWalk: it goes to many receivers.
            KeyError: there is no such namespace.
        """
        return _Journey(self, choose).walk(netns, packet, traffic)

    def reply(self, walk: Walk) -> Walk:
        """Return the walk of the answer to a packet that was delivered."""
        return self.walk(walk.verdict.netns, walk.verdict.packet.answer, traffic=walk.traffic)

    def branches(self, netns: NetnsName, packet: Packet, *, traffic: Traffic = NOTHING) -> Iterator[Walk]:
        """Yield the walk of every choice that chance may make."""
        pending: list[tuple[int, ...]] = [()]
        while pending:
            script = pending.pop()
            drawn: list[int] = []

            def choose(below: int, script: tuple[int, ...] = script, drawn: list[int] = drawn) -> int:
                drawn.append(below)
                return script[len(drawn) - 1] if len(drawn) <= len(script) else 0

            yield self.walk(netns, packet, choose=choose, traffic=traffic)
            for place in range(len(script), len(drawn)):
                zeros = (0,) * (place - len(script))
                outcomes = 2 if isinstance(drawn[place], OneIn) else drawn[place]
                pending += [(*script, *zeros, number) for number in range(1, outcomes)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    """The packet is about to come in."""

    netns: NetnsName
    iif: str


class _Journey:
    """One packet under way: `here` is its visit to the namespace where it is."""

    def __init__(self, walker: Walker, choose: Choose) -> None:
        self.walker, self.choose = walker, choose
        self.hops: list[Hop] = []

    def walk(self, netns: NetnsName, packet: Packet, traffic: Traffic) -> Walk:
        self.here = self._visit(netns, packet, "", traffic)
        sent = self._with_source(packet)
        self.here.packet = sent
        found = self._send()
        while isinstance(found, _Arrival):
            if found.iif == LO:  # a loop within the namespace: conntrack entry and mark stay with the packet
                self.here.iif, self.here.oif = LO, ""
            else:
                self.here = self._visit(found.netns, self.here.packet, found.iif, self.here.traffic)
            found = self._receive()
        return Walk(netns=netns, packet=sent, hops=tuple(self.hops), verdict=found, traffic=self.here.traffic)

    def _visit(self, netns: NetnsName, packet: Packet, iif: str, traffic: Traffic) -> Visit:
        walker = self.walker
        return Visit(netns, walker.routes[netns], walker.rules[netns], packet, iif=iif, traffic=traffic, choose=self.choose)

    def _with_source(self, packet: Packet) -> Packet:
        """Return the packet with the source that routing gives to a socket that is not bound."""
        way = self.here.routes.find(packet.destination)
        if packet.source or way is None:
            return packet
        return replace(packet, source=self.here.routes.source_for(way, packet.destination))

    def _send(self) -> _Arrival | Verdict:
        here, asked = self.here, self.here.packet.destination
        way = self._route()
        if way is None:
            return self._no_route()
        here.oif = _leaves_by(way)
        lost = self._pass("output")
        if lost is not None:
            return lost
        if here.packet.destination != asked:
            way = self._route()
            if way is None:
                return self._no_route()
        return self._leave(way)

    def _receive(self) -> _Arrival | Verdict:
        here = self.here
        lost = self._pass("prerouting")
        if lost is not None:
            return lost
        packet = here.packet
        if here.iif != LO and here.routes.is_martian(packet.source):
            reason = f"{here.netns} has {packet.source} itself; a packet from it that comes by a link looks forged"
            return self._lost("martian", reason)
        way = self._route()
        if way is not None and way.is_local:
            return self._pass("input") or self._deliver()
        forwards = here.routes.forwards(packet.family)
        if way is None and (forwards or packet.is_ipv6):  # IPv6 looks for a route before it asks whether it may use it
            return self._no_route("net-unreachable")
        if way is None or not forwards:
            return self._lost("not forwarded", f"{here.netns} has not {packet.destination}, and is no router")
        if packet.ttl <= 1:
            return self._lost("expired", f"{here.netns} passes on nothing whose time to live has ended", "time-exceeded")
        here.packet = replace(packet, ttl=packet.ttl - 1)
        here.oif = way.dev
        return self._pass("forward") or self._leave(way)

    def _pass(self, hook: Hook, way: Way | None = None) -> Verdict | None:
        hop, lost = self.here.pass_hook(hook, way)
        self.hops += [hop] if hop else []
        return lost

    def _route(self) -> Way | None:
        here = self.here
        way = here.routes.find(here.packet.destination)
        if way is not None:
            self.hops.append(
                Hop(
                    netns=here.netns, stage="routing", before=here.packet, after=here.packet,
                    iif=here.iif, oif=_leaves_by(way), route=way.text,
                )
            )  # fmt: skip
        return way

    def _leave(self, way: Way) -> _Arrival | Verdict:
        """Pass postrouting, and go over the link that the route names."""
        here = self.here
        here.oif = _leaves_by(way)
        lost = self._pass("postrouting", way)
        if lost is not None:
            return lost
        here.confirm()
        if way.is_local:
            return _Arrival(netns=here.netns, iif=LO)
        target = way.via or here.packet.destination
        found = self.walker.links.neighbour(here.netns, way.dev, target)
        if found is None:
            return self._lost("no neighbour", f"{here.netns} finds nobody on {way.dev} who has {target}", "host-unreachable")
        self.hops.append(
            Hop(
                netns=found.switch or here.netns, stage="link", before=here.packet, after=here.packet,
                oif=way.dev, iif=found.dev, ports=found.ports, peer=found.netns,
            )
        )  # fmt: skip
        return _Arrival(netns=found.netns, iif=found.dev)

    def _deliver(self) -> Verdict:
        self.here.confirm()
        reason = f"{self.here.netns} gets {self.here.packet}"
        return Verdict(ending="delivered", netns=self.here.netns, packet=self.here.packet, reason=reason)

    def _no_route(self, answer: str = "") -> Verdict:
        return self._lost("no route", f"{self.here.netns} has no route to {self.here.packet.destination}", answer)

    def _lost(self, ending: Ending, reason: str, answer: str = "") -> Verdict:
        """Return the verdict of the kernel itself, with the error of ICMP that it sends if it has a route to the source."""
        packet = self.here.packet
        if answer and self.here.routes.find(packet.source) is None:
            reason, answer = f"{reason}, nor a way to tell {packet.source}", ""
        told = f"{packet.icmp} {IN_ICMPV6.get(answer, answer) if packet.is_ipv6 else answer}" if answer else ""
        reason = f"{reason}; it answers {told}" if told else reason
        return Verdict(ending=ending, netns=self.here.netns, packet=packet, reason=reason, answer=told)


def _rulesets(item: Namespace) -> Iterator[Ruleset]:
    if item.table is not None:
        yield nft_ruleset(item.table)
    for rules in sorted(item.iptables | item.strangers, key=lambda one: one.program):
        yield from iptables_rulesets(rules)


def _leaves_by(way: Way) -> str:
    return LO if way.is_local else way.dev
