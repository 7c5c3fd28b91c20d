"""The way of a packet told in numbered steps: what a person reads, what a picture plays, what a capture file says beside it.

Nothing here is expected or simulated but for what explains a thing that was seen: the route (the kernel does not say which it
took; the interface that follows proves it), the element of a set or map by which a rule matched, and the rules themselves where
the kernel does not tell of any (iptables-legacy): those that make of the packet what it was seen to become.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from netlab.netstate.conntrack import ConnectionEvent
from netlab.netstate.names import NetnsName
from netlab.netstate.nft import Element
from netlab.packets.joining import Call, Journey, Texts, Visit
from netlab.packets.packet import Packet
from netlab.packets.routing import CannotWalk, Routes
from netlab.packets.sighting import Sighting
from netlab.packets.steps import Kind, Passage, RuleUse, Step, flow_tuple

NAT_HOOKS: Final = {"destination": ("prerouting", "output"), "source": ("postrouting", "input")}

Explain = Callable[[Call, Packet], Mapping[tuple[str, str], tuple[Element, ...]]]
"""Finds the elements by which the rules of a chain matched, given what the packet was afterwards: (chain, rule) -> elements."""

Untold = Callable[[Step], tuple[RuleUse, ...]]
"""Finds the rules that make a step's packet what it is afterwards; none, if the kernel would have told of them."""


def no_rules(_: Step) -> tuple[RuleUse, ...]:
    """Find nothing."""
    return ()


class Teller:
    """Tells journeys as steps.

    Args:
        texts: the rules by namespace, place and handle.
        routes: of each namespace.
        connections: what became of connections, in order, by namespace.
        explain: finds the elements behind rules.
        untold: finds the rules behind a translation where the kernel tells of none.
    """

    def __init__(
        self,
        texts: Texts,
        routes: Mapping[NetnsName, Routes],
        connections: Sequence[ConnectionEvent],
        explain: Explain,
        untold: Untold = no_rules,
    ) -> None:
        self.texts, self.routes, self.explain, self.untold = texts, routes, explain, untold
        self._events = list(connections)

    def tell(self, journeys: Iterable[Journey]) -> tuple[Passage, ...]:
        """Return the passages of a connection's packets; steps are numbered from 1 on, through all of them."""
        passages = []
        number = 0
        for place, one in enumerate(journeys):
            steps = []
            for step in self._steps(one) if place else map(self._with_untold, self._steps(one)):
                number += 1
                steps.append(replace(step, number=number))
            if steps:
                passages.append(_passage(one, steps))
        return tuple(passages)

    def _with_untold(self, step: Step) -> Step:
        """The first packet of a connection is translated by rules: those, where nobody told of them."""
        rules = self.untold(step) if step.remembered else ()
        return replace(step, rules=rules, remembered=not rules) if rules else step

    def _steps(self, journey: Journey) -> Iterator[Step]:
        for visit in journey.visits:
            yield from self._connected(visit, list(self._visit(visit)))

    def _connected(self, visit: Visit, steps: list[Step]) -> Iterator[Step]:
        """Give the entry that a packet has made, or changed, to the last step that knows the tuple of it."""
        tuples = {flow_tuple(one) for step in steps for one in (step.packet, step.after)}
        event = next(
            (one for one in self._events if one.netns == visit.netns and tuples & {one.entry.original, one.entry.reply}), None
        )
        hooks = [place for place, step in enumerate(steps) if step.kind not in {"in", "out", "routing"}]
        if event is None or not hooks:
            yield from steps
            return
        self._events.remove(event)
        translated = [place for place in hooks if steps[place].is_translated]
        place = (translated or hooks)[0]
        yield from steps[:place]
        yield replace(steps[place], connection=event.entry)
        yield from steps[place + 1 :]

    def _visit(self, visit: Visit) -> Iterator[Step]:
        """The steps of a stay: in by interfaces, the hooks with the routing between them, out by interfaces."""
        yield from (_seen(one, "in") for one in visit.arrivals if one.packet)
        points = self._points(visit)
        hooks = list(self._hooks(visit, points))
        before = "output" if not visit.arrivals else "prerouting"
        early = [step for step in hooks if step.kind == before]
        if not visit.arrivals:
            yield from self._routing(visit, points[0] if points else None)
        yield from early
        final = early[-1].after if early else points[0] if points else None
        dropped = any(step.is_dropped for step in early)
        if not dropped and (visit.arrivals or (early and early[-1].packet.destination != early[-1].after.destination)):
            yield from self._routing(visit, final)
        yield from (step for step in hooks if step.kind != before)
        yield from (_seen(one, "out") for one in visit.departures if one.packet)

    def _points(self, visit: Visit) -> list[Packet]:
        found = [*(one.packet for one in visit.arrivals[-1:]), *(one.packet for one in visit.calls)]
        found += [one.packet for one in visit.departures[:1]]
        return [one for one in found if one is not None]

    def _hooks(self, visit: Visit, points: Sequence[Packet]) -> Iterator[Step]:
        """Each chain that was passed, what it changed, and what conntrack changed without one."""
        if not points:
            return
        current = visit.arrivals[-1].packet if visit.arrivals and visit.arrivals[-1].packet else points[0]
        for place, call in enumerate(visit.calls):
            if call.packet and call.packet != current:
                yield from _remembered(visit, current, call.packet)
                current = call.packet
            after = self._after(visit, place, current)
            is_nat = "type nat " in self._declared(call)
            changed = after if is_nat and _can(call.hook, current, after) else current
            yield self._called(call, current, changed)
            current = changed
        last = visit.departures[0].packet if visit.departures else None
        if last and last != current:
            yield from _remembered(visit, current, last)

    def _after(self, visit: Visit, place: int, current: Packet) -> Packet:
        """What the packet is after a chain: as the next chain finds it, the interface, or conntrack has it written down."""
        later = [call.packet for call in visit.calls[place + 1 :] if call.packet]
        later += [one.packet for one in visit.departures[:1] if one.packet]
        if later:
            return later[0]
        wanted = flow_tuple(current)
        entry = next(
            (one.entry for one in self._events if one.netns == visit.netns and one.entry.original == wanted), None
        )  # fmt: skip
        if entry is None:
            return current
        answer = entry.reply.answer
        return replace(current, destination=answer.destination, destination_port=answer.destination_port)

    def _declared(self, call: Call) -> str:
        found = self.texts.get((call.netns, call.where, 0))
        return found.hook if found else ""

    def _called(self, call: Call, before: Packet, after: Packet) -> Step:
        elements = self.explain(call, after)
        rules = []
        for event in call.events:
            text = self.texts.get((call.netns, event.where, event.handle)) if event.handle else None
            if text is not None:
                found = elements.get((event.where.chain, text.text), ())
                rules.append(
                    RuleUse(
                        where=event.where, text=text.text, verdict=f"{event.verdict} {event.target}".strip(), elements=found
                    )
                )
        return Step(
            netns=call.netns, kind=call.hook, packet=before, after=after, rules=tuple(rules), is_dropped=call.is_dropped,
        )  # fmt: skip

    def _routing(self, visit: Visit, packet: Packet | None) -> Iterator[Step]:
        """The route, where the packet was routed: a bridge alone leaves the time to live as it is."""
        routes = self.routes.get(visit.netns)
        arrived = visit.arrivals[-1].packet if visit.arrivals else None
        left = visit.departures[0].packet if visit.departures else None
        is_bridged = arrived and left and arrived.ttl == left.ttl
        if packet is None or routes is None or (is_bridged and arrived == left):
            return
        try:
            way = routes.find(packet.destination)
        except CannotWalk:
            return
        if way is None and visit.departures:  # it did go on, so something else than this route has led it
            return
        text = way.text if way else f"no route to {packet.destination}"
        yield Step(netns=visit.netns, kind="routing", packet=packet, after=packet, route=text)


def _seen(one: Sighting, kind: Kind) -> Step:
    packet = one.packet
    assert packet is not None  # noqa: S101 - the callers have looked
    return Step(
        netns=one.place.netns, kind=kind, interface=one.place.ifname, time_ns=one.time_ns, packet=packet, after=packet,
        tunnel=one.tunnel,
    )  # fmt: skip


def _can(hook: str, before: Packet, after: Packet) -> bool:
    """Tell whether a nat chain of this hook makes this change: it translates one side only."""
    side = "destination" if hook in NAT_HOOKS["destination"] else "source"
    return _side(before, side) != _side(after, side)


def _side(packet: Packet, side: str) -> tuple[str, int]:
    if side == "source":
        return packet.source, packet.source_port
    return packet.destination, packet.destination_port


def _remembered(visit: Visit, before: Packet, after: Packet) -> Iterator[Step]:
    """What conntrack translates without asking a rule: the destination where a packet comes in, the source where it leaves."""
    first: Kind = "prerouting" if visit.arrivals else "output"
    last: Kind = "postrouting" if visit.departures else "input"
    middle = replace(before, destination=after.destination, destination_port=after.destination_port, ttl=before.ttl)
    if middle != before:
        yield Step(netns=visit.netns, kind=first, packet=before, after=middle, remembered=True)
    if after != middle:
        yield Step(netns=visit.netns, kind=last, packet=middle, after=after, remembered=True)


def _passage(journey: Journey, steps: Sequence[Step]) -> Passage:
    first = journey.sightings[0] if journey.sightings else None
    return Passage(
        direction=journey.direction,
        flags=first.flags if first else (),
        payload_bytes=first.payload_bytes if first else 0,
        error=first.error if first else None,
        steps=tuple(steps),
    )
