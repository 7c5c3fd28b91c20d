"""What a load balancer that asks a Node is told: at which ports, and what there is to say. Pure.

    a Service's healthCheckNodePort, at the addresses of NodePorts .. how many of its endpoints the Node has
    10256, at every address .......................................... whether the Node's rules are kept up to date

A load balancer sends a Node the packets of a Service with externalTrafficPolicy Local only if it has endpoints. Endpoints that
terminate are not counted, though they still serve: so new clients stay away before the last one is gone.
Source: kube-proxy service_health.go, proxy_health.go, endpointschangetracker.go (LocalReadyEndpoints).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from netlab.desired.assignments import HEALTH_CHECK, Assignments
from netlab.desired.endpoints import by_service
from netlab.desired.power import stopped_nodes
from netlab.desired.proxy_nodes import proxy_nodes
from netlab.model.families import IPFamily, family_of
from netlab.model.lab import Cluster
from netlab.model.meta import Key
from netlab.model.service import EndpointSlice
from netlab.netstate.listening import Listener, Reply
from netlab.netstate.names import machine_netns

PROXY_PORT: Final = 10256
TIMEOUT_S: Final = 60.0  # for which a change may wait for its rules
TO_BE_DELETED: Final = "ToBeDeletedByClusterAutoscaler"
WILDCARD: Final[Mapping[IPFamily, str]] = {"IPv4": "0.0.0.0", "IPv6": "::"}  # noqa: S104 - inside a Node's namespace
JSON: Final = {"Content-Type": "application/json"}
OK, NOT_FOUND, UNAVAILABLE = 200, 404, 503


class ServiceCheck(NamedTuple):
    """A Service on a Node, and how many addresses of ready endpoints it has there."""

    service: Key
    node: str
    endpoints: int


class NodeCheck(NamedTuple):
    """A Node; one that is about to be deleted is not eligible for further clients."""

    node: str
    is_eligible: bool


Check = ServiceCheck | NodeCheck


class ProxyHealth(NamedTuple):
    """Whether rules follow wishes: when they last did, and since when a change has been waiting (seconds since the epoch)."""

    updated_at: float = 0.0
    waiting_since: float | None = None

    def is_healthy(self, now: float) -> bool:
        """Tell whether no change has waited for too long. To have nothing to do is healthy."""
        return self.waiting_since is None or now - self.waiting_since < TIMEOUT_S


def health_checks(
    cluster: Cluster, slices: Sequence[EndpointSlice], assignments: Assignments, lab: str
) -> dict[Listener, Check]:
    """Return what is asked where, on every Node that is on. The namespaces are those of the lab with this name."""
    found: dict[Listener, Check] = {}
    ports = {key: port for (key, _, number), port in assignments.node_ports.items() if number == HEALTH_CHECK}
    counts = _counts(slices, ports)
    off = stopped_nodes(cluster.lab)
    doomed = {
        node.metadata.name
        for node in cluster.nodes
        if node.metadata.deletion_timestamp or any(taint.key == TO_BE_DELETED for taint in node.spec.taints)
    }
    for node in proxy_nodes(cluster, assignments):
        name = node.place.node
        if name in off:
            continue
        netns = machine_netns(lab, name)
        for family in {family_of(ip): None for ip in node.ips}:
            found[Listener(netns, WILDCARD[family], PROXY_PORT)] = NodeCheck(name, name not in doomed)
        for key, port in ports.items():
            for ip in node.node_port_ips:
                count = counts.get((key.namespace, key.name, name, family_of(ip)), 0)
                found[Listener(netns, ip, port)] = ServiceCheck(key, name, count)
    return found


def _counts(slices: Sequence[EndpointSlice], services: Iterable[Key]) -> dict[tuple[str, str, str, str], int]:
    """How many addresses of ready endpoints each Service has on each Node, in each family. Without a port it has none."""
    found: dict[tuple[str, str, str, str], set[str]] = {}
    for owner in {(key.namespace, key.name) for key in services}:
        for item in by_service(slices).get(owner):
            for endpoint in item.endpoints if item.ports else ():
                if endpoint.conditions.ready and endpoint.node_name:
                    found.setdefault((*owner, endpoint.node_name, item.address_type), set()).add(endpoint.addresses[0])
    return {place: len(addresses) for place, addresses in found.items()}


def answer(check: Check, path: str, proxy: ProxyHealth, now: float) -> Reply:
    """Return what is answered to a request for a path. `now` is in seconds since the epoch."""
    healthy = proxy.is_healthy(now)
    if isinstance(check, ServiceCheck):
        return _service_answer(check, healthy=healthy)
    if path not in {"/healthz", "/livez"}:
        return Reply(NOT_FOUND, "404 page not found\n")
    if path == "/healthz":
        healthy = healthy and check.is_eligible
    updated = now if healthy else proxy.updated_at
    eligible = f', "nodeEligible": {json.dumps(check.is_eligible)}' if path == "/healthz" else ""
    body = f'{{"lastUpdated": "{_moment(updated)}","currentTime": "{_moment(now)}"{eligible}}}'
    return Reply(OK if healthy else UNAVAILABLE, body, JSON)


def _service_answer(check: ServiceCheck, *, healthy: bool) -> Reply:
    """kube-proxy says the same, with the same blanks."""
    said = {
        "service": {"namespace": check.service.namespace, "name": check.service.name},
        "localEndpoints": check.endpoints,
        "serviceProxyHealthy": healthy,
    }
    weight = {"X-Load-Balancing-Endpoint-Weight": str(check.endpoints)}
    return Reply(OK if check.endpoints and healthy else UNAVAILABLE, json.dumps(said, indent="\t"), JSON | weight)


def _moment(seconds: float) -> str:
    """A time as Go prints it: `2026-01-31 12:00:00.5 +0000 UTC`."""
    moment = datetime.fromtimestamp(seconds, UTC)
    fraction = f".{moment.microsecond:06d}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"
