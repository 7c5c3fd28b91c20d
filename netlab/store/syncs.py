"""What the last reconciliations took, and what was last seen of the Nodes' tables of connections: for `netlab status`.

The measures are those of kube-proxy that say something of a lab. Source: Kubernetes metrics reference (kubeproxy_sync_proxy_*).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, NamedTuple

from netlab.netstate.conntrack import ConntrackTable
from netlab.store.store import Store

SYNCS: Final = "syncs"
TABLES: Final = "conntrack"


class Change(NamedTuple):
    """A reconciliation that changed something: when it ended (seconds since the epoch), how long it took, in how many steps."""

    at: float = 0.0
    took_s: float = 0.0
    steps: int = 0


class Syncs(NamedTuple):
    """`whole` is the last one that wrote whole tables of rules, `partial` the last one that changed parts only.

    `at` is when the lab was last found as wished, `took_s` how long that look took; `failures` are reconciliations that ended
    with an error, `forgotten_flows` the UDP flows that were taken from endpoints that had gone: both since the lab is up.
    """

    at: float = 0.0
    took_s: float = 0.0
    whole: Change = Change()
    partial: Change = Change()
    failures: int = 0
    forgotten_flows: int = 0


def syncs(store: Store) -> Syncs:
    """Return what was kept; zeros before the first one."""
    row = json.loads(store.fact(SYNCS, "[]"))
    if not row:
        return Syncs()
    at, took_s, whole, partial, failures, forgotten_flows = row
    return Syncs(at, took_s, Change(*whole), Change(*partial), failures, forgotten_flows)


def put_syncs(store: Store, found: Syncs) -> None:
    """Keep it in place of the last one."""
    store.set_fact(SYNCS, json.dumps(found))


def conntrack_tables(store: Store) -> dict[str, ConntrackTable]:
    """Return what was seen last of the tables, by Node: of those that are full, or in which packets found no room."""
    return {name: ConntrackTable(*row) for name, row in json.loads(store.fact(TABLES, "{}")).items()}


def put_conntrack_tables(store: Store, tables: Mapping[str, ConntrackTable]) -> None:
    """Keep these in place of the last ones."""
    store.set_fact(TABLES, json.dumps(tables))
