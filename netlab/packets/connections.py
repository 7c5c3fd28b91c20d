"""Tracked connections in words: what is translated in one, whether its endpoint is still one, what has become of it. Pure.

    new ......... the kernel has begun to track it
    translated .. the same, and an address of it is replaced: DNAT to an endpoint, SNAT to a Node's own address
    refreshed ... it was answered, its TCP state has changed, or it may now stay when the table is full (assured)
    stale ....... the endpoint that it is translated to is none of the Service any more; TCP goes on so until it ends, while the
                  agent lets the kernel forget flows of UDP (kernel/conntrack.py)
    gone ........ forgotten: it has ended, timed out, or was deleted

Source: conntrack(8); nf_conntrack_netlink.c for which changes are told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, Literal, NamedTuple

from netlab.desired.assignments import Assignments
from netlab.desired.endpoints import all_slices
from netlab.desired.frontends import frontends
from netlab.model.lab import Cluster
from netlab.netstate.conntrack import ConnectionEvent, FlowTuple, TrackedConnection
from netlab.netstate.names import NetnsName
from netlab.packets.names import Names, Reached
from netlab.packets.packet import ECHO_REQUESTS

Word = Literal["new", "translated", "refreshed", "stale", "gone"]
Serving = Mapping[Reached, frozenset[str]]
"""The addresses of the endpoints that a Service has now, by where it is reached."""

ENDED: Final = frozenset({"TIME_WAIT", "CLOSE"})
NANOSECONDS: Final = 1_000_000_000


class Moment(NamedTuple):
    """Something that has become of a connection in a namespace; `detail` says what, "" if the word says all."""

    time_ns: int
    netns: NetnsName
    word: Word
    entry: TrackedConnection
    detail: str = ""


def serving(cluster: Cluster, assignments: Assignments) -> Serving:
    """Return all endpoints that a packet to a Service may go to on some Node, or that still answer for UDP."""
    found = frontends(cluster, all_slices(cluster, assignments), assignments)
    known: dict[Reached, frozenset[str]] = {}
    for one in found.all:
        place = one.protocol.lower(), one.address, one.port
        ends = frozenset(target.ip for target in (*one.targets, *one.shortcut)) | one.serving
        known[place] = known.get(place, frozenset()) | ends
    return known


def service_of(entry: TrackedConnection, names: Names) -> str:
    """Return the Service that the client has asked: `svc/web`; "" if none."""
    asked = entry.original
    return names.service(asked.protocol, asked.destination, asked.destination_port)


def is_stale(entry: TrackedConnection, endpoints: Serving) -> bool:
    """Tell whether it is translated to an endpoint that its Service no longer has, and has not ended."""
    asked = entry.original
    known = endpoints.get((asked.protocol, asked.destination, asked.destination_port))
    return known is not None and entry.has_new_destination and entry.reply.source not in known and entry.state not in ENDED


def state(entry: TrackedConnection) -> str:
    """Return what conntrack(8) says of its state: TCP's word, or whether it was answered."""
    return entry.state or ("ANSWERED" if entry.is_answered else "UNREPLIED")


def source(flow: FlowTuple, names: Names) -> str:
    """Return who sends, and whose address that is."""
    return _end(flow, names, flow.source, flow.source_port)


def destination(flow: FlowTuple, names: Names) -> str:
    """Return to whom it is sent, and whose address that is."""
    return _end(flow, names, flow.destination, flow.destination_port)


def _end(flow: FlowTuple, names: Names, address: str, port: int) -> str:
    return names.with_name(address) if flow.protocol in ECHO_REQUESTS else names.endpoint(flow.protocol, address, port)


def translations(entry: TrackedConnection, names: Names) -> Iterator[str]:
    """Yield what is replaced: `DNAT to 10.244.1.4:6379 (redis)`, `SNAT to 172.18.0.2:61000 (node-1)`."""
    if entry.has_new_destination:
        yield f"DNAT to {source(entry.reply, names)}"
    if entry.has_new_source:
        yield f"SNAT to {destination(entry.reply, names)}"


class Timeline:
    """Remembers connections, to say what is new about one. `names` and `endpoints` are those of now, and may be replaced."""

    def __init__(self, names: Names, endpoints: Serving) -> None:
        self.names, self._endpoints = names, endpoints
        self._known: dict[tuple[NetnsName, int], tuple[int, TrackedConnection]] = {}
        self._stale: set[tuple[NetnsName, int]] = set()

    def begin(self, netns: NetnsName, entries: Iterable[TrackedConnection], time_ns: int) -> list[Moment]:
        """Take what is there already, and return what of it is stale."""
        for entry in entries:
            self._known.setdefault((netns, entry.identity), (time_ns, entry))
        return list(self._newly_stale(time_ns))

    def told(self, event: ConnectionEvent) -> list[Moment]:
        """Return what an event of the kernel means: one moment, or none if nothing that is shown has changed."""
        key, entry = (event.netns, event.entry.identity), event.entry
        since_ns, before = self._known.get(key, (event.time_ns, None))
        if event.change == "destroy":  # of one that is not known it was told already (compare)
            return [self._gone(key, before, event.time_ns)] if before else []
        self._known[key] = since_ns, entry
        if before is None and event.change == "new":
            changed = ", ".join(translations(entry, self.names))
            word: Word = "translated" if changed else "new"
            return [Moment(event.time_ns, event.netns, word, entry, changed)]
        detail = ", ".join(_refreshed(before, entry))
        return [Moment(event.time_ns, event.netns, "refreshed", entry, detail)] if detail else []

    def follow(self, names: Names, endpoints: Serving, time_ns: int) -> list[Moment]:
        """Go by the lab as it is now; return what became stale by that."""
        self.names, self._endpoints = names, endpoints
        return list(self._newly_stale(time_ns))

    def compare(self, netns: NetnsName, present: Collection[int], time_ns: int) -> list[Moment]:
        """Return what went without a word: since Linux 6.0 the kernel tells nothing of what had begun before we listened."""
        silent = [key for key in self._known if key[0] == netns and key[1] not in present]
        return [self._gone(key, self._known[key][1], time_ns) for key in silent]

    def _gone(self, key: tuple[NetnsName, int], entry: TrackedConnection, time_ns: int) -> Moment:
        since_ns, _ = self._known.pop(key, (time_ns, entry))
        self._stale.discard(key)
        return Moment(time_ns, key[0], "gone", entry, f"after {(time_ns - since_ns) / NANOSECONDS:.3f} s")

    def _newly_stale(self, time_ns: int) -> Iterator[Moment]:
        for key, (_, entry) in self._known.items():
            if not is_stale(entry, self._endpoints):
                self._stale.discard(key)
            elif key not in self._stale:
                self._stale.add(key)
                end, service = source(entry.reply, self.names), service_of(entry, self.names)
                yield Moment(time_ns, key[0], "stale", entry, f"{end} is no endpoint of {service} any more")


def _refreshed(before: TrackedConnection | None, after: TrackedConnection) -> Iterator[str]:
    if before is None:
        yield state(after)
        return
    if after.state != before.state:
        yield after.state
    if after.is_answered and not before.is_answered:
        yield "answered"
    if after.is_assured and not before.is_assured:
        yield "assured"
