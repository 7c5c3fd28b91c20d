"""A trace as a capture file: every packet that was seen, with what happened to it written beside it. Read by Wireshark, tshark.

Interfaces are named as a person names them (`frontend/eth0`, `node-1/veth3fa2c1d0`), addresses have their names. The comment of
a packet says its step, and what was done to it in its namespace before it went out there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from netlab.netstate.links import socket_text
from netlab.netstate.names import IfName
from netlab.netstate.seen import Place, SeenPacket
from netlab.packets.names import Names
from netlab.packets.packet import Packet
from netlab.packets.pcapng import Counts, Interface, enhanced_packet, head, tail
from netlab.packets.steps import Passage, Step, owner


def trace_file(
    packets: Sequence[SeenPacket], passages: Sequence[Passage], names: Names, application: str, lost: Mapping[str, int]
) -> bytes:
    """Return the bytes of a pcapng file. `lost` says how many packets a place did not see for want of room, if it did not."""
    places = sorted({one.place for one in packets})
    numbers = {place: number for number, place in enumerate(places)}
    comments = dict(_comments(passages, names))
    ordered = sorted(packets, key=lambda one: (one.time_ns, not one.outgoing, one.place))
    blocks = [
        head(
            [Interface(name=f"{names.space(place.netns)}/{place.ifname}") for place in places],
            application=application,
            names={address: [name] for address, name in names.addresses.items()},
        )
    ]
    blocks += [
        enhanced_packet(
            one.time_ns, numbers[one.place], one.outgoing, one.wire_bytes, one.data,
            comments.get((one.time_ns, one.place, one.outgoing), ""),
        )
        for one in ordered
    ]  # fmt: skip
    if ordered:
        seen = Counter(one.place for one in packets)
        counts = {
            number: Counts(packets=seen[place] + lost.get(str(place), 0), dropped=lost.get(str(place), 0))
            for place, number in numbers.items()
        }
        blocks.append(tail(counts, started_ns=ordered[0].time_ns, ended_ns=ordered[-1].time_ns))
    return b"".join(blocks)


def _comments(passages: Sequence[Passage], names: Names) -> Iterator[tuple[tuple[int, Place, bool], str]]:
    """Yield what is said of each packet: its own step, and those at the hooks since it was seen the last time."""
    for passage in passages:
        since: list[Step] = []
        for step in passage.steps:
            if step.time_ns is None:
                since.append(step)
                continue
            said = [f"hop {one.number}: {text}" for one in since for text in (step_text(one, names),) if text]
            said.append(f"hop {step.number}: {passage.name}, {step_text(step, names)}")
            since = []
            yield (step.time_ns, Place(step.netns, IfName(step.interface)), step.kind == "out"), "; ".join(said)


def step_text(step: Step, names: Names) -> str:
    """Return a step in a few words: `DNAT 10.96.0.42:6379 > 10.244.2.7:6379 by svc/web`; "" if there is nothing to say."""
    if step.kind in {"in", "out"}:
        return f"{'into' if step.kind == 'in' else 'out of'} {names.space(step.netns)} by {step.interface}"
    if step.kind == "routing":
        return f"{names.space(step.netns)} routes it: {step.route}"
    if step.is_dropped:
        return f"dropped by {names.space(step.netns)} in {step.kind}" + (f": {step.rules[-1].text}" if step.rules else "")
    if not step.is_translated:
        return ""
    side, what = ("destination", "DNAT") if _to(step.packet) != _to(step.after) else ("source", "SNAT")
    before, after = (_side(one, side) for one in (step.packet, step.after))
    whose = owner(step.rules)
    by = ", as conntrack remembers" if step.remembered else f" by {whose}" if whose else ""
    return f"{what} {before} > {after}{by} on {names.space(step.netns)}"


def _to(packet: Packet) -> tuple[str, int]:
    return packet.destination, packet.destination_port


def _side(packet: Packet, side: str) -> str:
    return socket_text(*(_to(packet) if side == "destination" else (packet.source, packet.source_port)))
