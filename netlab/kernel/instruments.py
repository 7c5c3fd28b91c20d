"""All instruments of a trace, together: packets at interfaces, rules of nf_tables, connections. On, read, proved, off.

An instrument that saw nothing proves nothing, unless it saw a canary (canaries.py) before and after.

What one end of a veth sends is told by the other end, which receives it: no rule is between them, and a look at what an
interface sends is what the packets of others feel (PacketSockets). Both have the time at which it was received. Bridges and
tunnels have no such peer: there both directions are looked at.

What is on: a socket for each, and one table of nft in each namespace with rules, which the kernel takes away with this process.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from netlab.errors import KernelError
from netlab.kernel import netns, nft
from netlab.kernel.canaries import Canaries
from netlab.kernel.closable import Closable
from netlab.kernel.connection_events import ConnectionEvents
from netlab.kernel.packet_ring import RingShape
from netlab.kernel.packet_sockets import PacketSockets
from netlab.kernel.rule_traces import RuleTraces
from netlab.netstate.conntrack import ConnectionEvent, FlowTuple
from netlab.netstate.names import NetnsName
from netlab.netstate.rule_trace import TraceEvent
from netlab.netstate.seen import Place, SeenPacket

NONCE_BYTES: Final = 8
_SHAPE: Final = RingShape(block_bytes=1 << 14, blocks=128, retire_ms=4)


class Instruments(Closable):
    """Instruments that are on. What they saw is in `packets`, `events` and `connections`, as far as it has been read.

    Args:
        places: the interfaces to look at.
        tables: for each namespace with rules, the table that marks packets for tracing, with `flags owner`.
        program: the filter of the packets (packet_filter.compile_filter), which must let canaries pass.
        peers: the ends of veths among the places, each with the other end, which is among them too.

    Raises:
        KernelError: a place or namespace is not there, or the kernel refuses.
    """

    def __init__(
        self, places: Sequence[Place], tables: Mapping[NetnsName, str], program: bytes, peers: Mapping[Place, Place]
    ) -> None:
        self._peers = peers
        self.packets: list[SeenPacket] = []
        self.events: list[TraceEvent] = []
        self.connections: list[ConnectionEvent] = []
        self._tables: list[nft.Held] = []
        self._rules: list[RuleTraces] = []
        self._tracked: list[ConnectionEvents] = []
        self._made: list[tuple[NetnsName, FlowTuple]] = []
        self._poll = select.poll()
        self._canaries = Canaries(places, tuple(tables))
        self.sockets = PacketSockets((), program=program, shape=_SHAPE, receiving=peers)
        try:
            watches = (partial(self._watch, name, script) for name, script in tables.items())
            netns.run_in_threads([partial(self.sockets.open_places, places), *watches])
        except BaseException:
            self.close()
            raise
        for number in (self.sockets.fileno(), *(one.fileno() for _, one in self._others())):
            self._poll.register(number, select.POLLIN)

    @property
    def names(self) -> tuple[str, ...]:
        """What each instrument is called in `prove` and `losses`."""
        return (*(str(place) for place in self.sockets.places), *(f"{what} of {one.name}" for what, one in self._others()))

    def read(self, timeout_s: float) -> bool:
        """Take what has come, waiting for the first of it; tell whether there was anything."""
        before = len(self.packets), len(self.events), len(self.connections)
        self._poll.poll(timeout_s * 1000)
        self.packets += _with_sent(self.sockets.read(0), self._peers)
        for rules in self._rules:
            self.events += rules.read()
        for tracked in self._tracked:
            self.connections += tracked.read()
        return before != (len(self.packets), len(self.events), len(self.connections))

    def prove(self, deadline_s: float) -> frozenset[str]:
        """Send canaries, read until every instrument has seen its own; return the names of those that have not in time.

        What happened before this call has been read then too: each instrument tells things in their order.
        """
        nonce = os.urandom(NONCE_BYTES)
        flows = self._canaries.send(nonce)
        self._made += flows.items()
        missing = set(self.names)
        seen = len(self.packets), len(self.events), len(self.connections)
        end = time.monotonic() + deadline_s
        while missing and time.monotonic() < end:
            self.read(max(0.0, end - time.monotonic()))
            missing -= {str(one.place) for one in self.packets[seen[0] :] if nonce in one.data and self._is_own(one)}
            missing -= {f"rules of {one.netns}" for one in self.events[seen[1] :] if nonce in one.transport_header}
            missing -= {
                f"connections of {one.netns}"
                for one in self.connections[seen[2] :]
                if one.entry.original == flows.get(one.netns)
            }
            seen = len(self.packets), len(self.events), len(self.connections)
        return frozenset(missing)

    def losses(self) -> Mapping[str, int]:
        """Return how much was lost, by the name of the instrument; of some it is only known that there was something (1)."""
        lost = {str(place): dropped for place, (_, dropped) in self.sockets.drops().items() if dropped}
        return lost | {f"{what} of {one.name}": 1 for what, one in self._others() if one.lost}

    def close(self) -> None:
        """Switch everything off, and let the kernel forget the connections of canaries.

        What others feel the most comes first: a socket sees nothing from the beginning of its end on, which takes its time.
        """
        netns.run_in_threads([self.sockets.close, self._canaries.close])
        for held in self._tables:
            held.close()
        for one in self._tracked:
            one.forget([flow for name, flow in self._made if name == one.name])
        for _, other in self._others():
            other.close()

    def _is_own(self, one: SeenPacket) -> bool:
        """Tell whether the place itself has seen it, and not its peer."""
        return not (one.outgoing and one.place in self._peers)

    def _others(self) -> tuple[tuple[str, RuleTraces | ConnectionEvents], ...]:
        return (*(("rules", one) for one in self._rules), *(("connections", one) for one in self._tracked))

    def _watch(self, name: NetnsName, script: str) -> None:
        """Listen first, mark then."""

        def inside() -> None:
            self._rules.append(RuleTraces(name))
            self._tracked.append(ConnectionEvents(name))
            self._tables.append(nft.Held(script))

        try:
            netns.in_namespace(name, inside)
        except (OSError, nft.NftError) as error:
            raise KernelError(f"trace: {name}: {error}") from error


def _with_sent(received: Sequence[SeenPacket], peers: Mapping[Place, Place]) -> Iterator[SeenPacket]:
    """Yield each packet; before one that has come through a veth the same one as its peer sent it."""
    for one in received:
        if one.place in peers:
            yield replace(one, place=peers[one.place], outgoing=True)
        yield one
