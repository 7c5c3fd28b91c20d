"""A packet at the hooks of one network namespace: connection tracking, filter chains, translation, in netfilter's order.

    conntrack ..... looks first, at prerouting and output; a connection is remembered when its packet leaves or is delivered
    translation ... the first packet of a connection asks the nat chains, at most once for each of destination (prerouting,
                    output) and source (input, postrouting); all others are translated as remembered, replies back
    filter chains . by priority, before or after the translation of their hook

Source: the kernel's nf_conntrack_core.c, nf_nat_core.c, nft_masq.c; netfilter's packet flow diagram.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from netlab.netstate.names import NetnsName
from netlab.packets.hops import Ending, Hop, Verdict
from netlab.packets.packet import Packet
from netlab.packets.routing import Routes, Way
from netlab.packets.rules import BaseChain, Hook, Matched, Outcome, Ruleset
from netlab.packets.scene import Choose, Scene
from netlab.packets.traffic import Connection, Traffic

TRANSLATIONS: Final[dict[Hook, tuple[str, int]]] = {
    "prerouting": ("dnat", -100), "output": ("dnat", -100), "input": ("snat", 100), "postrouting": ("snat", 100),
}  # fmt: skip
"""What is translated at a hook, and at which priority: the kernel's own, whatever those of the nat chains are."""

Call = tuple[Ruleset, BaseChain]
_UNPRIVILEGED, _PORTS = 1024, 1 << 16


class Visit:
    """A packet in a namespace, with what the kernel keeps beside it there: mark, interfaces, conntrack entry.

    `traffic` and `packet` change as it goes on. A namespace without rules neither tracks nor changes anything.
    """

    def __init__(
        self,
        netns: NetnsName,
        routes: Routes,
        rules: tuple[Ruleset, ...],
        packet: Packet,
        *,
        iif: str,
        traffic: Traffic,
        choose: Choose,
    ) -> None:
        self.netns, self.routes, self.rules = netns, routes, rules
        self.packet, self.traffic, self.choose = packet, traffic, choose
        self.iif, self.oif, self.mark = iif, "", 0
        self.connection: Connection | None = None
        self.is_reply, self.state = False, "untracked"
        self._asked: set[str] = set()  # which of dnat and snat has been decided for the connection

    def pass_hook(self, hook: Hook, way: Way | None = None) -> tuple[Hop | None, Verdict | None]:
        """Let the packet pass a hook. Return what happened there, and the verdict if it did not come through.

        `way` is the route it is about to leave by, from which masquerading takes the address.
        """
        if not self.rules:
            return None, None
        if self.connection is None and any(one.tracks and self.packet.family in one.families for one in self.rules):
            self._track()
        before = self.packet
        matched: list[Matched] = []
        lost = None
        for is_nat, chains in _in_order(self.rules, hook, self.packet.family):
            step = self._translate if is_nat else self._filter
            lost = step(hook, chains, matched, way)
            if lost is not None:
                break
        hop = Hop(
            netns=self.netns, stage=hook, before=before, after=self.packet, iif=self.iif, oif=self.oif,
            matched=tuple(matched), state=f"{self.state} reply" if self.is_reply else self.state,
        )  # fmt: skip
        return hop, lost

    def confirm(self) -> None:
        """Remember the connection: its packet has passed all hooks."""
        if self.connection is not None:
            self.traffic = self.traffic.with_connection(self.netns, self.connection)

    def _track(self) -> None:
        found = self.traffic.find(self.netns, self.packet)
        if found is None:
            self.connection, self.state = Connection(original=self.packet, reply=self.packet.answer), "new"
            return
        known, self.is_reply = found
        self.connection = replace(known, replied=known.replied or self.is_reply)
        self.state = "established" if self.connection.replied else "new"
        self._asked = {"dnat", "snat"}

    def _filter(self, _: Hook, chains: tuple[Call, ...], matched: list[Matched], __: Way | None) -> Verdict | None:
        for rules, base in chains:
            outcome = self._evaluate(rules, base)
            matched += outcome.matched
            lost = self._lost(base, outcome)
            if lost is not None:
                return lost
        return None

    def _translate(self, hook: Hook, chains: tuple[Call, ...], matched: list[Matched], way: Way | None) -> Verdict | None:
        side = TRANSLATIONS[hook][0]
        if self.connection is None:
            return None
        if side not in self._asked:
            self._asked.add(side)
            lost = self._ask(chains, matched, way)
            if lost is not None:
                return lost
            if side == "snat":
                self._take_free_port()
        self.packet = self.connection.translated(self.packet, is_reply=self.is_reply, side=side)
        return None

    def _ask(self, chains: tuple[Call, ...], matched: list[Matched], way: Way | None) -> Verdict | None:
        """Ask the nat chains until one of them translates."""
        for rules, base in chains:
            outcome = self._evaluate(rules, base)
            matched += outcome.matched
            if outcome.action.decision in {"dnat", "snat"}:
                return self._bind(outcome, way)
            lost = self._lost(base, outcome)
            if lost is not None:
                return lost
        return None

    def _bind(self, outcome: Outcome, way: Way | None) -> Verdict | None:
        """Write a translation into the connection: what its replies will carry."""
        action, entry = outcome.action, self._entry()
        if action.decision == "dnat":
            port = action.port or self.packet.destination_port
            answer = self.packet.to(action.address, port).answer
            self.connection = replace(entry, reply=answer)
            return None
        address = action.address or (self.routes.address_on(way, self.packet.destination) if way else "")
        if not address:
            rule = outcome.matched[-1]
            reason = f"{self.netns} has no address to masquerade it with, for the rule of {rule.chain}: {rule.rule}"
            return Verdict(ending="dropped", netns=self.netns, packet=self.packet, reason=reason, matched=outcome.matched)
        port = action.port or self.packet.source_port
        self.connection = replace(entry, reply=self.packet.come_from(address, port).answer)
        return None

    def _take_free_port(self) -> None:
        """Take the next source port if another connection is answered by the same tuple already."""
        entry = self._entry()
        taken = {packet for one in self.traffic.connections.get(self.netns, ()) for packet in (one.original, one.reply)}
        sent = entry.reply.answer
        for port in itertools.chain(range(sent.source_port, _PORTS), range(_UNPRIVILEGED, sent.source_port)):
            answer = sent.come_from(sent.source, port).answer
            if answer not in taken:
                self.connection = replace(entry, reply=answer)
                return

    def _entry(self) -> Connection:
        assert self.connection is not None  # noqa: S101 - asked for only where the packet is tracked
        return self.connection

    def _evaluate(self, rules: Ruleset, base: BaseChain) -> Outcome:
        scene = Scene(
            netns=self.netns, packet=self.packet, iif=self.iif, oif=self.oif, mark=self.mark, state=self.state,
            connection=self.connection, is_reply=self.is_reply, traffic=self.traffic, sets=rules.sets,
            route_type=self.routes.type_of, choose=self.choose,
        )  # fmt: skip
        outcome = rules.evaluate(base, scene)
        self.mark, self.connection, self.traffic = scene.mark, scene.connection, scene.traffic
        return outcome

    def _lost(self, base: BaseChain, outcome: Outcome) -> Verdict | None:
        """Return the verdict of a chain that does not let the packet through."""
        if outcome.action.decision not in {"drop", "reject"}:
            return None
        answer = outcome.action.answer
        told = f"answers {answer}" if answer else "tells nobody"
        matched = () if outcome.by_policy else outcome.matched
        by = f"the rule of {matched[-1].chain}: {matched[-1].rule}" if matched else f"the policy of {base.name}"
        owner = "".join(f", for {owner}" for owner in dict.fromkeys(owner for one in matched for owner in one.owners))
        reason = f"{self.netns} {told}{owner}, by {by}"
        ending: Ending = "refused" if outcome.action.decision == "reject" else "dropped"
        return Verdict(ending=ending, netns=self.netns, packet=self.packet, reason=reason, answer=answer, matched=matched)


def _in_order(rules: Iterable[Ruleset], hook: Hook, family: int) -> list[tuple[bool, tuple[Call, ...]]]:
    """The chains of a hook as they are called: filter chains one by one, all nat chains together (True)."""
    calls = [(one, base) for one in rules for base in one.at(hook, family)]
    steps: list[tuple[int, bool, tuple[Call, ...]]] = [
        (base.priority, False, ((one, base),)) for one, base in calls if base.kind != "nat"
    ]
    if hook in TRANSLATIONS and any(one.translates and family in one.families for one in rules):
        nat = sorted((call for call in calls if call[1].kind == "nat"), key=lambda call: call[1].priority)
        steps.append((TRANSLATIONS[hook][1], True, tuple(nat)))
    return [(is_nat, found) for _, is_nat, found in sorted(steps, key=lambda step: (step[0], not step[1]))]
