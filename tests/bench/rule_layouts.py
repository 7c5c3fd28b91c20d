"""Four ways to write Services down for the kernel, with the same content: netlab's two modes, and kube-proxy's two.

Ours is what `compile_net` makes of objects. The peers' are written here, one Service as kube-proxy writes it: its chain, an
anonymous map from a drawn number to the chains of its endpoints, and a comment; in iptables KUBE-SVC and KUBE-SEP.
Source: kube-proxy's README and proxier.go (pkg/proxy/nftables, pkg/proxy/iptables); reference of the rules in netlab/desired.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net
from netlab.kernel import nft, table_changes
from netlab.model.kube_proxy import KubeProxy, ProxyMode
from netlab.model.lab import Cluster, Lab, LabSpec
from netlab.model.meta import Key, ObjectMeta
from netlab.model.node import Node
from netlab.model.service import Endpoint, EndpointPort, EndpointSlice, Service, ServicePort, ServiceSpec
from netlab.netstate.names import NetnsName, digest, machine_netns
from netlab.netstate.state import Namespace
from netlab.plan.iptables import restore_input
from netlab.plan.nft import table_change
from netlab.plan.table_change import TableChange

PORT, TARGET_PORT = 80, 8080
POD_SUBNET = "10.244.0.0/16"
KUBE_PROXY = "ip kube-proxy"
PEER_S = 30.0
"""What takes longer is left out."""


class Backends(NamedTuple):
    """One Service: its name, its address, and the addresses behind it."""

    name: str
    address: str
    pods: tuple[str, ...]


class Layout(NamedTuple):
    """How all Services become rules, and how a change of each of some of them does, one after the other: what `run` does.

    `run` raises subprocess.TimeoutExpired if a program takes longer than PEER_S.
    """

    made: Callable[[Sequence[Backends], Sequence[int]], tuple[Any, list[Any]]]
    run: Callable[[Any], object]
    is_peer: bool = False


def services(count: int) -> list[Backends]:
    """Return so many Services with two endpoints each."""
    return [
        Backends(f"svc-{number:05d}", _host("10.96", number), (_host("10.245", 2 * number), _host("10.246", 2 * number + 1)))
        for number in range(count)
    ]


def changed(one: Backends) -> Backends:
    """Return it with another second endpoint."""
    return one._replace(pods=(one.pods[0], one.pods[1].replace("10.246.", "10.247.")))


def _host(network: str, number: int) -> str:
    return f"{network}.{number // 250 % 256}.{number % 250 + 1}"


# Ours ---------------------------------------------------------------------------------------------------------------------


class Ours:
    """A lab with these Services, and what its first Node is to have; a change of one is made as the agent would."""

    def __init__(self, found: Sequence[Backends], mode: ProxyMode) -> None:
        spec = LabSpec(kube_proxy=KubeProxy(mode=mode))
        lab = Lab(metadata=ObjectMeta(name="bench", uid="bench"), spec=spec)
        nodes = [Node(metadata=ObjectMeta(name=template.name)) for template in spec.nodes]
        items = [item for one in found for item in _objects(one)]
        self.cluster = Cluster(lab=lab).with_objects((*nodes, *items))
        given = {Key("Service", "default", one.name): (one.address,) for one in found}
        self.assignments = assign(self.cluster, Assignments(cluster_ips=given))

    @property
    def node(self) -> Namespace:
        """Return the desired state of the first Node."""
        return compile_net(self.cluster, self.assignments).by_name[machine_netns("bench", "node-1")]

    def put(self, one: Backends) -> None:
        """Give one Service other endpoints."""
        self.cluster = self.cluster.with_objects(item for item in _objects(one) if isinstance(item, EndpointSlice))


def _ours(mode: ProxyMode, change: Callable[[Namespace, Namespace], Any], run: Callable[[Any], object]) -> Layout:
    def made(found: Sequence[Backends], numbers: Sequence[int]) -> tuple[Any, list[Any]]:
        ours = Ours(found, mode)
        before, changes = ours.node, []
        load = change(before, Namespace(name=NetnsName("")))
        for number in numbers:
            ours.put(changed(found[number]))
            after = ours.node
            changes.append(change(after, before))
            before = after
        return load, changes

    return Layout(made, run)


def _table_change(desired: Namespace, observed: Namespace) -> TableChange:
    return table_change(desired.table, observed.table)


def _iptables_script(desired: Namespace, observed: Namespace) -> str:
    return restore_input(next(iter(desired.iptables), None), next(iter(observed.iptables), None))


def _objects(one: Backends) -> Iterator[Service | EndpointSlice]:
    meta = ObjectMeta(name=one.name, namespace="default", uid=one.name)
    yield Service(metadata=meta, spec=ServiceSpec(ports=(ServicePort(port=PORT, target_port=TARGET_PORT, name="http"),)))
    yield EndpointSlice(
        metadata=replace(meta, labels={EndpointSlice.SERVICE_LABEL: one.name}),
        endpoints=tuple(Endpoint(addresses=(pod,)) for pod in one.pods),
        ports=(EndpointPort(port=TARGET_PORT, name="http"),),
    )


def _nft(script: str) -> None:
    """By the library, which is quicker to start; but only the program can be stopped."""
    if nft.is_large(script):
        subprocess.run(["nft", "-f", "-"], input=script, text=True, check=True, capture_output=True, timeout=PEER_S)
    else:
        nft.run(script)


# kube-proxy's -------------------------------------------------------------------------------------------------------------


def _hash(one: Backends, pod: str = "") -> str:
    return digest(one.name, pod)[:8].upper()


def _chains(one: Backends) -> tuple[str, list[str]]:
    return f"service-{_hash(one)}-default/{one.name}/tcp/http", [f"endpoint-{_hash(one, pod)}-{one.name}" for pod in one.pods]


def _kube_proxy_service(one: Backends) -> Iterator[str]:
    service, endpoints = _chains(one)
    picks = ", ".join(f"{number} : goto {name}" for number, name in enumerate(endpoints))
    for pod, name in zip(one.pods, endpoints, strict=True):
        yield f"add chain {KUBE_PROXY} {name}"
        yield f"flush chain {KUBE_PROXY} {name}"
        yield f"add rule {KUBE_PROXY} {name} ip saddr {pod} jump mark-for-masquerade"
        yield f"add rule {KUBE_PROXY} {name} meta l4proto tcp dnat to {pod}:{TARGET_PORT}"
    yield f"add chain {KUBE_PROXY} {service}"
    yield f"flush chain {KUBE_PROXY} {service}"
    where = f"ip daddr {one.address} tcp dport {PORT}"
    yield f"add rule {KUBE_PROXY} {service} {where} ip saddr != {POD_SUBNET} jump mark-for-masquerade"
    yield f"add rule {KUBE_PROXY} {service} numgen random mod {len(endpoints)} vmap {{ {picks} }}"


def kube_proxy_load(found: Sequence[Backends]) -> str:
    """Return one transaction for all Services, as kube-proxy's nftables mode writes it."""
    head = [
        f"add table {KUBE_PROXY}",
        f"delete table {KUBE_PROXY}",
        f"add table {KUBE_PROXY}",
        f"add chain {KUBE_PROXY} mark-for-masquerade",
        f"add rule {KUBE_PROXY} mark-for-masquerade mark set mark or 0x4000",
        f"add map {KUBE_PROXY} service-ips {{ type ipv4_addr . inet_proto . inet_service : verdict; }}",
        f"add chain {KUBE_PROXY} services",
        f"add chain {KUBE_PROXY} nat-prerouting {{ type nat hook prerouting priority -100; }}",
        f"add rule {KUBE_PROXY} services ip daddr . meta l4proto . th dport vmap @service-ips",
        f"add rule {KUBE_PROXY} nat-prerouting jump services",
    ]
    bodies = [line for one in found for line in _kube_proxy_service(one)]
    ips = [f"add element {KUBE_PROXY} service-ips {{ {one.address} . tcp . {PORT} : goto {_chains(one)[0]} }}" for one in found]
    return "\n".join([*head, *bodies, *ips, ""])


def kube_proxy_changes(found: Sequence[Backends], numbers: Sequence[int]) -> list[str]:
    """Return what it writes when an endpoint of each of these Services changes."""
    return ["\n".join([*_kube_proxy_service(changed(found[number])), ""]) for number in numbers]


# kube-proxy's in iptables -------------------------------------------------------------------------------------------------


def _names(one: Backends) -> tuple[str, list[str]]:
    return f"KUBE-SVC-{_hash(one)}", [f"KUBE-SEP-{_hash(one, pod)}" for pod in one.pods]


def _iptables_service(one: Backends) -> Iterator[str]:
    service, endpoints = _names(one)
    said = f'-m comment --comment "default/{one.name}:http cluster IP"'
    yield f"-A {service} ! -s {POD_SUBNET} -d {one.address}/32 -p tcp {said} -m tcp --dport {PORT} -j KUBE-MARK-MASQ"
    for number, (pod, name) in enumerate(zip(one.pods, endpoints, strict=True)):
        left = len(endpoints) - number
        chance = f"-m statistic --mode random --probability {1 / left:.10f} " if left > 1 else ""
        yield f'-A {service} -m comment --comment "default/{one.name}:http -> {pod}:{TARGET_PORT}" {chance}-j {name}'
        yield f'-A {name} -s {pod}/32 -m comment --comment "default/{one.name}:http" -j KUBE-MARK-MASQ'
        yield f'-A {name} -p tcp -m comment --comment "default/{one.name}:http" -m tcp -j DNAT --to-destination {pod}:{TARGET_PORT}'


def iptables_load(found: Sequence[Backends]) -> str:
    """Return one input of iptables-restore for all Services, as kube-proxy's iptables mode writes it."""
    chains = [f":{name} - [0:0]" for one in found for name in (_names(one)[0], *_names(one)[1])]
    jumps = [
        f'-A KUBE-SERVICES -d {one.address}/32 -p tcp -m comment --comment "default/{one.name}:http cluster IP"'
        f" -m tcp --dport {PORT} -j {_names(one)[0]}"
        for one in found
    ]
    bodies = [line for one in found for line in _iptables_service(one)]
    head = ["*nat", ":KUBE-SERVICES - [0:0]", ":KUBE-MARK-MASQ - [0:0]"]
    tail = ["-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000", "-A PREROUTING -j KUBE-SERVICES", "COMMIT", ""]
    return "\n".join([*head, *chains, *jumps, *bodies, *tail])


def iptables_changes(found: Sequence[Backends], numbers: Sequence[int]) -> list[str]:
    """Return what it writes when an endpoint of each of these Services changes: a partial sync."""
    return [_partial(changed(found[number])) for number in numbers]


def _partial(one: Backends) -> str:
    service, endpoints = _names(one)
    chains = [f":{name} - [0:0]" for name in (service, *endpoints)]
    return "\n".join(["*nat", *chains, *_iptables_service(one), "COMMIT", ""])


def _restore(text: str) -> None:
    subprocess.run(
        ["iptables-nft-restore", "--noflush"], input=text, text=True, check=True, capture_output=True, timeout=PEER_S
    )


def _peer(
    load: Callable[[Sequence[Backends]], str],
    changes: Callable[[Sequence[Backends], Sequence[int]], list[str]],
    run: Callable[[str], None],
) -> Layout:
    return Layout(lambda found, numbers: (load(found), changes(found, numbers)), run, is_peer=True)


LAYOUTS = {
    "netlab": _ours("nftables", _table_change, table_changes.apply),
    "netlab, iptables mode": _ours("iptables", _iptables_script, _restore),
    "kube-proxy's nftables": _peer(kube_proxy_load, kube_proxy_changes, _nft),
    "kube-proxy's iptables": _peer(iptables_load, iptables_changes, _restore),
}
