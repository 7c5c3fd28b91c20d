"""A Node whose table of connections is full says so: else new connections fail, and nothing anywhere tells why.

The kernel's own complaint stands in the log of the machine, if at all. What was seen last is kept, for `netlab status` and so
that the same packets are told once; an Event is counted again whenever more connections found no room.
Source: the reason and who says it are node-problem-detector's (network-problem-monitor).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from netlab.desired.power import stopped_nodes
from netlab.engine.session import Session
from netlab.errors import KernelError
from netlab.model.event import Event, event_of
from netlab.model.lab import Cluster
from netlab.model.meta import Key
from netlab.netstate.conntrack import ConntrackTable
from netlab.netstate.names import machine_netns
from netlab.store.events import record
from netlab.store.syncs import conntrack_tables, put_conntrack_tables


def watch_conntrack(session: Session) -> None:
    """Look at the tables of all Nodes that are on, and record what has become of them since the last look."""
    store = session.store
    cluster, before = store.cluster(), conntrack_tables(store)
    now = dict(_tables(session, cluster))
    events = [
        _event(name, table)
        for name, table in now.items()
        if table.has_overflowed_since(before.get(name)) or (table.is_full and not (name in before and before[name].is_full))
    ]
    kept = {name: table for name, table in now.items() if table.is_full or table.dropped or table.evicted}
    if _without_entries(kept) != _without_entries(before):
        with store.transaction():
            put_conntrack_tables(store, kept)
            for event in events:
                record(store, event, session.clock())


def _without_entries(tables: Mapping[str, ConntrackTable]) -> dict[str, tuple[object, ...]]:
    """All that is worth a write: while a table is full, its number of entries changes with every packet."""
    return {name: (table.is_full, table.limit, table.dropped, table.evicted) for name, table in tables.items()}


def _tables(session: Session, cluster: Cluster) -> Iterator[tuple[str, ConntrackTable]]:
    off = stopped_nodes(cluster.lab)
    for node in cluster.nodes:
        name = node.metadata.name
        if name not in off:
            with contextlib.suppress(KernelError):  # it may be gone: the next reconciliation says so
                if table := session.network.conntrack_table(machine_netns(session.paths.lab, name)):
                    yield name, table


def _event(name: str, table: ConntrackTable) -> Event:
    message = f"nf_conntrack: table full: there is room for {table.limit} connections, packets of further ones are dropped"
    return event_of(Key("Node", "", name), "Warning", "ConntrackFull", message)
