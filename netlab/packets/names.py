"""The words beside the numbers: whose address it is, which Service is reached there, what namespace a packet was seen in. Pure.

    10.244.1.2 ............ frontend           a Pod
    10.96.0.42 ............ svc/redis-master   a Service, at every address it has; with its port also a NodePort
    172.18.0.2, 10.244.1.1  node-1             a Node, on the fabric, on its bridge and in its tunnel
    172.18.0.1 ............ outside

Objects of other Namespaces than `default` have it behind a dot, as DNS does: `coredns.kube-system`; so has a Pod that is called
like a machine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import field
from ipaddress import ip_interface

from netlab.desired import tunnels
from netlab.desired.assignments import Assignments
from netlab.desired.endpoints import all_slices
from netlab.desired.frontends import frontends
from netlab.desired.host_network import netns_of
from netlab.desired.ipam import gateway, outside_addresses
from netlab.frozen import dataclass
from netlab.model.families import listed
from netlab.model.lab import Cluster
from netlab.model.meta import ObjectMeta
from netlab.netstate.names import FABRIC, OUTSIDE, NetnsName, machine_netns
from netlab.netstate.seen import Place
from netlab.packets.packet import Packet, endpoint

DEFAULT = "default"
Reached = tuple[str, str, int]
"""Where a Service is reached: protocol as a packet has it, address, port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The words of a lab at one moment."""

    addresses: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[Reached, str] = field(default_factory=dict)
    namespaces: Mapping[NetnsName, str] = field(default_factory=dict)

    def of(self, address: str) -> str:
        """Return whose address it is; "" if nobody's that is known."""
        return self.addresses.get(address, "")

    def service(self, protocol: str, address: str, port: int) -> str:
        """Return the Service that is reached there: `svc/web`; "" if none is."""
        return self.services.get((protocol, address, port), "")

    def with_name(self, address: str) -> str:
        """Return an address, and whose it is: `10.244.1.2 (frontend)`."""
        return f"{address} ({self.of(address)})" if self.of(address) else address

    def endpoint(self, protocol: str, address: str, port: int) -> str:
        """Return an address and port, and whose they are: `10.244.1.2:40000 (frontend)`."""
        name = self.service(protocol, address, port) or self.of(address)
        return f"{endpoint(address, port)} ({name})" if name else endpoint(address, port)

    def side(self, packet: Packet, side: str) -> str:
        """Return one side of a packet, `source` or `destination`, and whose it is; of an echo without a port."""
        ends = {"source": (packet.source, packet.source_port), "destination": (packet.destination, packet.destination_port)}
        return self.with_name(ends[side][0]) if packet.is_echo else self.endpoint(packet.protocol, *ends[side])

    def packet(self, packet: Packet) -> str:
        """Return both sides of a packet, as tcpdump(8) points the arrow."""
        return f"{self.side(packet, 'source')} > {self.side(packet, 'destination')}"

    def space(self, netns: NetnsName) -> str:
        """Return what a namespace is called; its own name if nothing better is known."""
        return self.namespaces.get(netns, netns)

    def said(self, text: str) -> str:
        """Return a sentence about namespaces with what they are called in it."""
        for netns in sorted(self.namespaces, key=len, reverse=True):
            text = text.replace(netns, self.namespaces[netns])
        return text

    def place(self, place: Place) -> str:
        """Return an interface as captures call it: `frontend/eth0`, `node-1/cni0`."""
        return f"{self.namespaces.get(place.netns, place.netns)}/{place.ifname}"


def names_of(cluster: Cluster, assignments: Assignments) -> Names:
    """Return the words of a lab."""
    machines = {OUTSIDE, FABRIC, *assignments.nodes}
    return Names(
        addresses=dict(_addresses(cluster, assignments, machines)),
        services={
            (one.protocol.lower(), one.address, one.port): f"svc/{_service_name(one.owner)}"
            for one in frontends(cluster, all_slices(cluster, assignments), assignments).all
        },
        namespaces=dict(_namespaces(cluster, assignments, machines)),
    )


def short_name(meta: ObjectMeta, taken: Collection[str] = ()) -> str:
    """Return `web`, or `web.prod` in another Namespace than `default`, or if the name alone is taken."""
    return meta.name if meta.namespace == DEFAULT and meta.name not in taken else f"{meta.name}.{meta.namespace}"


def _addresses(cluster: Cluster, assignments: Assignments, machines: Collection[str]) -> Iterator[tuple[str, str]]:
    spec = cluster.lab.spec
    for service in cluster.services:
        for address in (*assignments.cluster_ips.get(service.key, ()), *assignments.load_balancers.get(service.key, ())):
            yield address, f"svc/{short_name(service.metadata)}"
    for pod in cluster.pods:
        bound = assignments.pods.get(pod.key)
        if bound and not pod.spec.host_network:
            yield from ((address, short_name(pod.metadata, machines)) for address in bound.ips)
    for name, node in assignments.nodes.items():
        ends = tunnels.addresses(node)[0] if spec.network == "vxlan" else ()
        yield from ((address, name) for address in (*node.ips, *map(gateway, node.pod_cidrs), *ends))
    internet = (str(ip_interface(cidr).ip) for cidr in listed(spec.outside_subnet))
    yield from ((address, OUTSIDE) for address in (*outside_addresses(spec), *internet))


def _service_name(owner: str) -> str:
    """The Service of a port's owner: `default/web:http`."""
    namespace, _, rest = owner.partition("/")
    return short_name(ObjectMeta(name=rest.partition(":")[0], namespace=namespace))


def _namespaces(cluster: Cluster, assignments: Assignments, machines: Collection[str]) -> Iterator[tuple[NetnsName, str]]:
    lab = cluster.lab.metadata.name
    for pod in cluster.pods:
        if not pod.spec.host_network:
            yield netns_of(lab, pod, assignments.pods.get(pod.key)), short_name(pod.metadata, machines)
    yield from ((machine_netns(lab, name), name) for name in machines)
