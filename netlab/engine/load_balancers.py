"""A load balancer that leads nowhere says so by an Event of its Service: else clients are refused, and nothing tells why.

It is told once, and again when something else is wrong, or when it was right in between.
Source: the reason, and who says it, are those of Kubernetes' service controller (cloud-provider, controllers/service).
"""

from __future__ import annotations

import json
from typing import Final

from netlab.desired.assign_outer import lacking_node_ports
from netlab.desired.assignments import Assignments
from netlab.model.event import event_of
from netlab.model.lab import Cluster
from netlab.store.events import record
from netlab.store.store import Store

TOLD: Final = "load balancers without NodePorts"  # the fact: what was told of which Service, by its uid


def watch_load_balancers(store: Store, cluster: Cluster, assignments: Assignments, now: float) -> None:
    """Record what has become of load balancers since the last look. To be called inside a transaction."""
    found = lacking_node_ports(cluster, assignments)
    kept = store.fact(TOLD, "{}")
    uids = {cluster.objects[key].metadata.uid: text for key, text in found.items()}
    if (text := json.dumps(uids)) == kept:
        return
    store.set_fact(TOLD, text)
    told = json.loads(kept)
    for key, why in found.items():
        if told.get(cluster.objects[key].metadata.uid) != why:
            record(store, event_of(key, "Warning", "SyncLoadBalancerFailed", f"Error syncing load balancer: {why}"), now)
