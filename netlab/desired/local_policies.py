"""Services that drop clients on some Nodes because their policy is Local and there are no endpoints there. Pure.

It is meant so: a load balancer stays away from such Nodes. Who is surprised finds it here.
Source: kube-proxy's metric sync_proxy_rules_no_local_endpoints_total{traffic_policy}.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from netlab.desired.assignments import Assignments
from netlab.desired.endpoints import all_slices
from netlab.desired.frontends import frontends
from netlab.desired.power import stopped_nodes
from netlab.model.lab import Cluster
from netlab.model.service import Service

Policy = Literal["externalTrafficPolicy", "internalTrafficPolicy"]


class Unserved(NamedTuple):
    """A Service port (`default/web:http`), the policy that says so, and the Nodes without an endpoint."""

    owner: str
    policy: Policy
    nodes: tuple[str, ...]


def unserved(cluster: Cluster, assignments: Assignments) -> tuple[Unserved, ...]:
    """Return the Service ports that have endpoints and none on some Nodes that are on, where that matters; sorted."""
    others = [service.key for service in cluster.services if not _is_local(service)]
    if len(others) == len(cluster.services):
        return ()
    local = cluster.without(others)
    found = frontends(local, all_slices(local, assignments), assignments)
    nodes: dict[tuple[str, Policy], list[str]] = {}
    for name in assignments.nodes.keys() - stopped_nodes(cluster.lab):
        for item in found.own.get(name, ()):
            if not item.targets and item.otherwise == "drop":
                policy: Policy = "internalTrafficPolicy" if item.kind == "ClusterIP" else "externalTrafficPolicy"
                nodes.setdefault((item.owner, policy), []).append(name)
    return tuple(Unserved(*place, tuple(sorted(set(names)))) for place, names in sorted(nodes.items()))


def _is_local(service: Service) -> bool:
    policies = service.spec.internal_traffic_policy, service.spec.external_traffic_policy if service.is_external else ""
    return service.has_cluster_ip and "Local" in policies
