"""From what many instruments saw to the way of each packet: sightings and rules joined by identity, never by guess.

forward packets ... those that the traced connection's tuple leads to: a tuple is known in the sender's namespace; whatever is
                    the same packet elsewhere makes its tuple there known too, translated as it may be
replies ........... packets whose tuple is the answer to one that is known in that namespace, and errors that quote one
visits ............ a packet's sightings in order of time, cut where the namespace changes, with the chains it passed there
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field, replace
from typing import Final, Literal, TypeVar

from netlab.frozen import dataclass
from netlab.netstate.names import NetnsName
from netlab.netstate.rule_trace import Rules, RuleText, TraceEvent
from netlab.netstate.seen import Place
from netlab.packets.packet import ANSWERS, Packet
from netlab.packets.rules import Hook
from netlab.packets.sighting import Identity, Sighting, at_rule

Texts = Mapping[tuple[NetnsName, Rules, int], RuleText]
Direction = Literal["forward", "reply", "error"]
Tuples = Mapping[NetnsName, AbstractSet[Packet]]
Item = TypeVar("Item")

HOOKS: Final[tuple[Hook, ...]] = ("prerouting", "output", "input", "forward", "postrouting")
_HOOK: Final = re.compile(r"type \w+ hook (\w+) ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A base chain that a packet passed: `packet` is what it was before, `events` what its rules did, in order."""

    netns: NetnsName
    hook: Hook
    where: Rules
    identity: Identity
    packet: Packet | None
    events: tuple[TraceEvent, ...]

    @property
    def is_dropped(self) -> bool:
        """Tell whether the packet ended here."""
        return self.events[-1].verdict in {"drop", "stolen"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A packet's stay in a namespace: where it came in, which chains it passed, where it left. Each may be empty."""

    netns: NetnsName
    arrivals: tuple[Sighting, ...] = ()
    calls: tuple[Call, ...] = ()
    departures: tuple[Sighting, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """The way of one packet, from its first sighting to its last one."""

    direction: Direction
    identity: Identity
    visits: tuple[Visit, ...]

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """Return all of them, in order."""
        return tuple(one for visit in self.visits for one in (*visit.arrivals, *visit.departures))

    @property
    def started_ns(self) -> int:
        """When it was seen first; of what no interface has seen, when its rules were told of."""
        calls_ns = (event.time_ns for visit in self.visits for call in visit.calls for event in call.events)
        return min((one.time_ns for one in self.sightings), default=min(calls_ns, default=0))

    @property
    def is_dropped(self) -> bool:
        """Tell whether rules have ended it."""
        return any(call.is_dropped for visit in self.visits for call in visit.calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the instruments saw while they were on. `bridges` are the places that stand for all ports of theirs."""

    sightings: tuple[Sighting, ...] = ()
    events: tuple[TraceEvent, ...] = ()
    texts: Texts = field(default_factory=dict)
    bridges: frozenset[Place] = frozenset()


def calls(evidence: Evidence, own_tables: str) -> tuple[Call, ...]:
    """Return each base chain that a packet passed, but for those that set the mark: of tables whose names begin so."""
    found: list[list[TraceEvent]] = []
    current: dict[tuple[NetnsName, int], list[TraceEvent]] = {}
    for event in evidence.events:
        key = event.netns, event.identity
        if event.network_header:
            current[key] = []
            found.append(current[key])
        if key in current:
            current[key].append(event)
    return tuple(_call(events, evidence.texts) for events in found if not events[0].where.table.startswith(own_tables))


def _call(events: Sequence[TraceEvent], texts: Texts) -> Call:
    first = events[0]
    known, packet = at_rule(first.network_header, first.transport_header)
    return Call(
        netns=first.netns,
        hook=_hook(first.where, texts.get((first.netns, first.where, 0))),
        where=first.where,
        identity=known,
        packet=packet,
        events=tuple(events),
    )


def _hook(where: Rules, declared: RuleText | None) -> Hook:
    """The hook of a base chain: as it is declared; of an empty chain of iptables, which nobody lists, its name says it."""
    found = _HOOK.match(declared.hook) if declared else None
    word = found[1] if found else where.chain.lower()
    return next((one for one in HOOKS if one == word), "forward")


def sent_packet(evidence: Evidence, netns: NetnsName, expected: Packet) -> Packet:
    """Return the tuple with which a packet really left its sender: its source is the kernel's choice."""
    for one in evidence.sightings:
        packet = one.packet
        if one.place.netns == netns and one.outgoing and packet and is_like(packet, expected):
            return packet
    return expected


def is_like(packet: Packet, expected: Packet) -> bool:
    """Tell whether a packet is as expected, from whatever address; and from whatever port, if that is expected to be 0."""
    port = expected.source_port or packet.source_port
    return packet == replace(expected, source=packet.source, source_port=port)


def journeys(evidence: Evidence, found: Sequence[Call], netns: NetnsName, packet: Packet) -> tuple[Journey, ...]:
    """Return the way of every packet of a connection, both directions, in order of their first sighting.

    Args:
        evidence: what was seen.
        found: the chains that were passed (calls).
        netns: where the connection begins.
        packet: the tuple that it has there.
    """
    seen = [(one.place.netns, one.identity, one.packet) for one in evidence.sightings]
    seen += [(one.netns, one.identity, one.packet) for one in found]
    forward, there = _closure(seen, {netns: {packet}})
    answers = {
        name: {one.answer for one in tuples if not one.is_echo or one.destination_port in ANSWERS}
        for name, tuples in there.items()
    }
    reply, _ = _closure([one for one in seen if one[1] not in forward], answers)
    errors = {
        one.identity
        for one in evidence.sightings
        if one.error and one.error.about and one.error.about in there.get(one.place.netns, ())
    }
    sides: tuple[tuple[Direction, AbstractSet[Identity]], ...] = (
        ("forward", forward), ("reply", reply - errors), ("error", errors),
    )  # fmt: skip
    ways = [way for side, identities in sides for one in identities for way in _ways(evidence, found, side, one)]
    # A packet that only rules have seen was on its way when the instruments were switched off, or the rules have ended it.
    return tuple(sorted((way for way in ways if way.sightings or way.is_dropped), key=lambda way: way.started_ns))


def _closure(
    seen: Iterable[tuple[NetnsName, Identity, Packet | None]], start: Tuples
) -> tuple[frozenset[Identity], dict[NetnsName, set[Packet]]]:
    """The packets that carry a known tuple somewhere, and all tuples that these have anywhere."""
    tuples: dict[NetnsName, set[Packet]] = defaultdict(set, {name: set(found) for name, found in start.items()})
    identities: set[Identity] = set()
    waiting = list(seen)
    while True:
        fitting = [one for one in waiting if one[1] in identities or (one[2] is not None and one[2] in tuples[one[0]])]
        if not fitting:
            return frozenset(identities), dict(tuples)
        taken = {id(one) for one in fitting}
        waiting = [one for one in waiting if id(one) not in taken]
        for netns, known, packet in fitting:
            identities.add(known)
            if packet is not None:
                tuples[netns].add(packet)


def _ways(evidence: Evidence, found: Sequence[Call], direction: Direction, wanted: Identity) -> list[Journey]:
    """The ways of all packets of one identity: more than one if it was sent again just so."""
    sightings = sorted((one for one in evidence.sightings if one.identity == wanted), key=lambda one: _order(evidence, one))
    by_turn = _turns(
        sightings, lambda one: (one.place, one.outgoing, one.packet, one.packet.ttl if one.packet else 0, one.tunnel)
    )
    calls_by_turn = _turns([one for one in found if one.identity == wanted], lambda one: (one.netns, one.where))
    turns = max(len(by_turn), len(calls_by_turn))
    by_turn += [[]] * (turns - len(by_turn))
    calls_by_turn += [[]] * (turns - len(calls_by_turn))
    return [
        Journey(direction=direction, identity=wanted, visits=_visits(seen, passed))
        for seen, passed in zip(by_turn, calls_by_turn, strict=True)
    ]


def _order(evidence: Evidence, one: Sighting) -> tuple[int, bool, bool]:
    """By time. What leaves a veth has the time at which its peer received it; what comes up a bridge, that of the port."""
    return one.time_ns, one.place in evidence.bridges, not one.outgoing


def _turns(items: Sequence[Item], key: Callable[[Item], object]) -> list[list[Item]]:
    """Cut a row where something would be in it twice."""
    turns: list[list[Item]] = []
    passed: set[object] = set()
    for item in items:
        if not turns or key(item) in passed:
            turns.append([])
            passed = set()
        passed.add(key(item))
        turns[-1].append(item)
    return turns


def _visits(seen: Sequence[Sighting], passed: Sequence[Call]) -> tuple[Visit, ...]:
    stays: list[list[Sighting]] = []
    for one in seen:
        # A stay ends where the packet is seen elsewhere, or comes in after it had gone out.
        if not stays or stays[-1][-1].place.netns != one.place.netns or (stays[-1][-1].outgoing and not one.outgoing):
            stays.append([])
        stays[-1].append(one)
    visits = [
        Visit(
            netns=stay[0].place.netns,
            arrivals=tuple(one for one in stay if not one.outgoing),
            departures=tuple(one for one in stay if one.outgoing),
        )
        for stay in stays
    ]
    return tuple(_with_calls(visits, passed))


def _with_calls(visits: Sequence[Visit], passed: Sequence[Call]) -> list[Visit]:
    """Give each visit the chains that were passed in it: in each namespace in order, a new stay where the hooks begin anew."""
    left: dict[NetnsName, list[Call]] = defaultdict(list)
    for one in passed:
        left[one.netns].append(one)
    stays = {name: _by_stay(found) for name, found in left.items()}
    result = []
    for visit in visits:
        waiting = stays.get(visit.netns)
        result.append(
            Visit(
                netns=visit.netns, arrivals=visit.arrivals, departures=visit.departures, calls=waiting.pop(0) if waiting else ()
            )
        )
    # What rules ended before any interface saw it: the sender's own, or a packet whose interface nobody looked at.
    for name, rest in stays.items():
        result += [Visit(netns=name, calls=one) for one in rest]
    return result


def _by_stay(found: Sequence[Call]) -> list[tuple[Call, ...]]:
    stays: list[list[Call]] = []
    reached = len(HOOKS)
    for one in found:
        at = _RANK[one.hook]
        if at < reached:
            stays.append([])
        reached = at
        stays[-1].append(one)
    return [tuple(stay) for stay in stays]


_RANK: Final[Mapping[str, int]] = {"prerouting": 0, "output": 0, "input": 1, "forward": 1, "postrouting": 2}
