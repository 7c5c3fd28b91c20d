"""Ports of Nodes that lead to one Pod each (hostPort): which there are, and who may not have one because another has it. Pure.

    connection to the Node's address . protocol . hostPort  ->  the Pod's address . containerPort, in each IP family

Unlike a NodePort it is open on the Pod's own Node only, and the client keeps its address. A hostIP that is not the Node's
address is nobody's: no packet for it is translated.
Source: Kubernetes docs, Configuration Best Practices (hostPort); CNI plugin portmap; kube-scheduler, plugin NodePorts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address

from netlab.desired.assignments import Assignments
from netlab.frozen import dataclass
from netlab.model.container import ContainerPort
from netlab.model.families import family_of
from netlab.model.lab import Cluster
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.pod import Pod

ANY = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - the words for all addresses, which nothing is bound to


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPort:
    """A port of a Node's address, and where it leads; `owner` is the comment of its element."""

    owner: str
    address: str
    protocol: str
    port: int
    target: str
    target_port: int


def host_ports(cluster: Cluster, assignments: Assignments) -> dict[str, tuple[HostPort, ...]]:
    """Return the host ports of each Node by its name, those of Pods that have ended left out."""
    found: dict[str, list[HostPort]] = {name: [] for name in assignments.nodes}
    for pod in cluster.pods:
        bound = assignments.pods.get(pod.key)
        if pod.spec.host_network:
            continue  # it has the port itself
        if bound and bound.node in found and bound.ips and pod.status.phase not in FINAL_PHASES:
            found[bound.node] += (
                HostPort(
                    owner=f"{pod.metadata.namespace}/{pod.metadata.name}",
                    address=address,
                    protocol=port.protocol.lower(),
                    port=port.host_port,
                    target=target,
                    target_port=port.container_port,
                )
                for port in wished_ports(pod)
                for address, target in zip(assignments.nodes[bound.node].ips, bound.ips, strict=True)
                if _is_at(port.host_ip, address)
            )
    return {name: tuple(ports) for name, ports in found.items()}


def _is_at(host_ip: str, address: str) -> bool:
    """Tell whether a port is open at this address of the Node; `0.0.0.0` and `::` mean all of their family."""
    if not host_ip:
        return True
    wished = ip_address(host_ip)
    return wished == ip_address(address) or (wished.is_unspecified and family_of(host_ip) == family_of(address))


def wished_ports(pod: Pod) -> Iterator[ContainerPort]:
    """Yield the ports that a Pod wants of its Node, those of sidecars too; in the Node's network, all it names."""
    for container in (*pod.spec.sidecars, *pod.spec.containers):
        for port in container.ports:
            if pod.spec.host_network:
                yield replace(port, host_port=port.container_port)
            elif port.host_port:
                yield port


def collide(one: ContainerPort, other: ContainerPort) -> bool:
    """Tell whether two Pods cannot have these ports on one Node."""
    if (one.protocol, one.host_port) != (other.protocol, other.host_port):
        return False
    return one.host_ip == other.host_ip or not ANY.isdisjoint({one.host_ip, other.host_ip})
