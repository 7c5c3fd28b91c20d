"""Objects and choices become the whole network of a lab: every namespace with its links, addresses, routes and rules. Pure."""

from __future__ import annotations

from dataclasses import replace

from netlab.desired.assignments import Assignments
from netlab.desired.endpoints import all_slices
from netlab.desired.services import service_entries, service_tables
from netlab.desired.wiring import Wiring
from netlab.model.lab import Cluster
from netlab.netstate.names import machine_netns
from netlab.netstate.state import NetState


def mark(uid: str) -> str:
    """Return the ownership mark of the lab with this uid: the alias of the loopback and of every link that is its own."""
    return f"netlab {uid}"


def compile_net(cluster: Cluster, assignments: Assignments) -> NetState:
    """Return everything the lab wants of Linux' network. The same input gives the same state, byte for byte."""
    lab = cluster.lab
    wiring = Wiring(cluster, assignments, mark(lab.metadata.uid))
    entries = service_entries(cluster, all_slices(cluster, assignments), assignments)
    by_node = service_tables(
        entries,
        node_ips={name: node.ip for name, node in assignments.nodes.items()},
        pod_subnet=lab.spec.pod_subnet,
        service_subnet=lab.spec.service_subnet,
    )
    tables = {machine_netns(lab.metadata.name, name): table for name, table in by_node.items()}
    return NetState(namespaces=frozenset(replace(item, table=tables.get(item.name)) for item in wiring.namespaces()))
