"""Objects and choices become the whole network of a lab: every namespace with its links, addresses, routes and rules. Pure."""

from __future__ import annotations

from dataclasses import replace

from netlab.desired.assignments import Assignments
from netlab.desired.endpoints import all_slices
from netlab.desired.frontends import Frontends, frontends, proxy_nodes
from netlab.desired.host_ports import host_ports
from netlab.desired.pod_match import pod_matches
from netlab.desired.services import service_tables
from netlab.desired.wiring import Wiring
from netlab.model.families import listed
from netlab.model.lab import Cluster
from netlab.model.service import Service
from netlab.netstate.names import machine_netns
from netlab.netstate.nft import NftTable
from netlab.netstate.state import NetState


def mark(uid: str) -> str:
    """Return the ownership mark of the lab with this uid: the alias of the loopback and of every link that is its own."""
    return f"netlab {uid}"


def compile_net(cluster: Cluster, assignments: Assignments) -> NetState:
    """Return everything the lab wants of Linux' network. The same input gives the same state, byte for byte."""
    lab = cluster.lab
    wiring = Wiring(cluster, assignments, mark(lab.metadata.uid))
    by_node = _tables(frontends(cluster, all_slices(cluster, assignments), assignments), cluster, assignments)
    tables = {machine_netns(lab.metadata.name, name): table for name, table in by_node.items()}
    return NetState(namespaces=frozenset(replace(item, table=tables.get(item.name)) for item in wiring.namespaces()))


def service_part(cluster: Cluster, assignments: Assignments, service: Service) -> NftTable:
    """Return what one Service alone adds to every Node's table: sets with its elements only, and the chains they lead to."""
    objects = {key: item for key, item in cluster.objects.items() if not isinstance(item, Service)} | {service.key: service}
    alone = Cluster(lab=cluster.lab, objects=objects)
    found = frontends(alone, all_slices(alone, assignments), assignments)
    with_it, without = (
        next(iter(_tables(some, cluster, assignments).values()), NftTable()) for some in (found, Frontends((), {}))
    )
    return replace(with_it, sets=with_it.sets - without.sets, chains=with_it.chains - without.chains)


def _tables(found: Frontends, cluster: Cluster, assignments: Assignments) -> dict[str, NftTable]:
    """The table of each Node by the Node's name."""
    spec = cluster.lab.spec
    return service_tables(
        found,
        nodes=proxy_nodes(cluster, assignments),
        host_ports=host_ports(cluster, assignments),
        pods={name: pod_matches(spec, node) for name, node in assignments.nodes.items()},
        pod_subnets=listed(spec.pod_subnet),
        service_subnets=listed(spec.service_subnet),
    )
