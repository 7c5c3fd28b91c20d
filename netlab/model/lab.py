"""Lab: the size and the address plan of one lab, and `Cluster`, everything in it at one moment.

`Lab` is netlab's own kind (`apiVersion: netlab/v1`). Its defaults are kind's, so that a lab looks like a cluster.
"""

from __future__ import annotations

import bisect
import functools
import operator
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, TypeVar, get_args

from netlab.frozen import dataclass
from netlab.model.config import ConfigMap, Secret
from netlab.model.daemon_set import DaemonSet
from netlab.model.endpoints import Endpoints
from netlab.model.event import Event
from netlab.model.families import DEFAULT_SUBNETS, FAMILIES_OF, IPFamily, LabFamilies, family_of, listed, word_of
from netlab.model.job import Job
from netlab.model.kube_proxy import KubeProxy, ProxyMode
from netlab.model.meta import Key, Labels, ObjectMeta
from netlab.model.node import Namespace, Node
from netlab.model.pod import Pod
from netlab.model.power import LabStatus
from netlab.model.service import EndpointSlice, IPMode, Service
from netlab.model.workload import Deployment, ReplicaSet

KubernetesObject: TypeAlias = (
    Pod
    | Service
    | EndpointSlice
    | Endpoints
    | Deployment
    | ReplicaSet
    | DaemonSet
    | Job
    | ConfigMap
    | Secret
    | Namespace
    | Node
    | Event
)
T = TypeVar("T", bound=KubernetesObject)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTemplate:
    """A Node of the lab by name, with labels for nodeSelector. `kube_proxy_mode` is "" for the mode of the lab."""

    name: Annotated[str, "node-name"]
    labels: Labels = field(default_factory=dict)
    kube_proxy_mode: Literal["", "nftables", "iptables"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSpec:
    """Size and addresses. Each Node gets one /`node_cidr_mask` (IPv6: /`node_cidr_mask_ipv6`) of `pod_subnet`.

    Subnets are CIDR text, one for each IP family of the lab, the primary family first, joined by a comma. One that is left
    out, and `ip_family`, are filled in: they never are empty. `node_monitor_grace_period` is in seconds.
    """

    nodes: tuple[NodeTemplate, ...] = tuple(NodeTemplate(name=f"node-{n}") for n in (1, 2, 3))
    ip_family: LabFamilies = ""
    node_subnet: Annotated[str, "cidrs"] = ""
    pod_subnet: Annotated[str, "cidrs"] = ""
    node_cidr_mask: Annotated[int, "ipv4-mask"] = 24
    node_cidr_mask_ipv6: Annotated[int, "ipv6-mask"] = 64
    service_subnet: Annotated[str, "cidrs"] = ""
    outside_subnet: Annotated[str, "cidrs"] = ""
    load_balancer_subnet: Annotated[str, "cidrs"] = ""
    load_balancer_ip_mode: IPMode = "VIP"
    network: Literal["host-gw", "vxlan"] = "host-gw"
    node_port_range: Annotated[str, "port-range"] = "30000-32767"
    cluster_domain: Annotated[str, "dns-name"] = "cluster.local"
    mtu: Annotated[int, "mtu"] = 1500
    kube_proxy: KubeProxy = field(default_factory=KubeProxy)
    node_monitor_grace_period: Annotated[int, "non-negative"] = 40

    def __post_init__(self) -> None:
        """Fill in what was left out: the families are those of `pod_subnet`, or what `ip_family` says, or IPv4."""
        families = self.families
        for name, subnets in DEFAULT_SUBNETS.items():
            if not getattr(self, name):
                object.__setattr__(self, name, ",".join(subnets[family] for family in families))
        if not self.ip_family:
            object.__setattr__(self, "ip_family", word_of(families))

    @property
    def families(self) -> tuple[IPFamily, ...]:
        """The IP families of the lab, the primary one first: in each of them everything has an address."""
        if not self.pod_subnet:
            return FAMILIES_OF.get(self.ip_family, ("IPv4",))
        return _families(self.pod_subnet)

    @property
    def pod_mtu(self) -> int:
        """The MTU of Pods, in bytes: the lab's, less what a tunnel puts before each packet: IP, UDP, VXLAN and Ethernet."""
        outer = {"IPv4": 20, "IPv6": 40}[self.families[0]] + 8 + 8 + 14
        return self.mtu - (outer if self.network == "vxlan" else 0)

    def node_mask(self, family: IPFamily) -> int:
        """Return the prefix length of a Node's part of the Pods' subnet of that family."""
        return self.node_cidr_mask if family == "IPv4" else self.node_cidr_mask_ipv6

    def proxy_mode(self, node: str) -> ProxyMode:
        """Return how the Node of this name does what kube-proxy does."""
        for template in self.nodes:
            if template.name == node and template.kube_proxy_mode:
                return template.kube_proxy_mode
        return self.kube_proxy.mode


@functools.lru_cache(maxsize=64)
def _families(subnets: str) -> tuple[IPFamily, ...]:
    """A lab has few subnets, and for every Service somebody asks for their families."""
    return tuple(dict.fromkeys(map(family_of, listed(subnets))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """One lab. `metadata.name` is a DNS label of at most 20 characters; `metadata.uid` marks everything it owns."""

    kind: ClassVar[str] = "Lab"
    api_version: ClassVar[str] = "netlab/v1"
    metadata: ObjectMeta
    spec: LabSpec = field(default_factory=LabSpec)
    status: LabStatus = field(default_factory=LabStatus)

    @property
    def key(self) -> Key:
        """The Lab's identity."""
        return Key("Lab", "", self.metadata.name)


FEW = 50
"""So many objects are quicker put into their places among ten thousand than all are looked through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """All objects of a lab at one moment, by key. Immutable by convention: make a new one with `with_objects`.

    The objects of one kind are the same tuple until one of them changes, so what follows from them alone can be kept by it.
    """

    lab: Lab
    objects: Mapping[Key, KubernetesObject] = field(default_factory=dict)
    _by_kind: dict[str, tuple[Any, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def with_objects(self, objects: Iterable[KubernetesObject]) -> Cluster:
        """Return a Cluster in which these objects replace or join the others."""
        changed = {item.key: item for item in objects}
        if not changed:
            return self
        found = self._with({**self.objects, **changed}, changed)
        if len(changed) <= FEW and changed.keys() <= self.objects.keys():  # each takes the place of an earlier one
            known = found._by_kind  # noqa: SLF001 - a Cluster's own
            for kind in {key.kind for key in changed} & self._by_kind.keys():
                known[kind] = _replaced(self._by_kind[kind], (item for key, item in changed.items() if key.kind == kind))
        return found

    def without(self, keys: Iterable[Key]) -> Cluster:
        """Return a Cluster that lacks these keys; unknown keys are no error."""
        gone = set(keys)
        if self.objects.keys().isdisjoint(gone):
            return self
        return self._with({key: item for key, item in self.objects.items() if key not in gone}, gone)

    def with_lab(self, lab: Lab) -> Cluster:
        """Return a Cluster with the same objects in another Lab."""
        if lab is self.lab:
            return self
        found = Cluster(lab=lab, objects=self.objects)
        found._by_kind.update(self._by_kind)
        return found

    def _with(self, objects: Mapping[Key, KubernetesObject], changed: Iterable[Key]) -> Cluster:
        """Return a Cluster of these objects that knows what is known already of the kinds without a change."""
        found = Cluster(lab=self.lab, objects=objects)
        kinds = {key.kind for key in changed}
        found._by_kind.update((kind, items) for kind, items in self._by_kind.items() if kind not in kinds)
        return found

    def of_kind(self, kind: type[T]) -> tuple[T, ...]:
        """Return the objects of one kind, sorted by key."""
        if kind.kind not in self._by_kind:
            keys = sorted(key for key in self.objects if key.kind == kind.kind)
            self._by_kind[kind.kind] = tuple(self.objects[key] for key in keys)
        return self._by_kind[kind.kind]

    @property
    def kinds(self) -> tuple[tuple[KubernetesObject, ...], ...]:
        """All objects, kind by kind, each sorted by key."""
        return tuple(map(self.of_kind, get_args(KubernetesObject)))

    @property
    def pods(self) -> tuple[Pod, ...]:
        """All Pods, sorted by key."""
        return self.of_kind(Pod)

    @property
    def services(self) -> tuple[Service, ...]:
        """All Services, sorted by key."""
        return self.of_kind(Service)

    @property
    def slices(self) -> tuple[EndpointSlice, ...]:
        """All EndpointSlices, hand-written and derived, sorted by key."""
        return self.of_kind(EndpointSlice)

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """All Deployments, sorted by key."""
        return self.of_kind(Deployment)

    @property
    def replica_sets(self) -> tuple[ReplicaSet, ...]:
        """All ReplicaSets, sorted by key."""
        return self.of_kind(ReplicaSet)

    @property
    def daemon_sets(self) -> tuple[DaemonSet, ...]:
        """All DaemonSets, sorted by key."""
        return self.of_kind(DaemonSet)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All Jobs, sorted by key."""
        return self.of_kind(Job)

    @property
    def events(self) -> tuple[Event, ...]:
        """All Events, sorted by key; there are none unless they were asked for."""
        return self.of_kind(Event)

    def config_map(self, namespace: str, name: str) -> ConfigMap | None:
        """The ConfigMap of that name, or None."""
        item = self.objects.get(Key("ConfigMap", namespace, name))
        return item if isinstance(item, ConfigMap) else None

    def secret(self, namespace: str, name: str) -> Secret | None:
        """The Secret of that name, or None."""
        item = self.objects.get(Key("Secret", namespace, name))
        return item if isinstance(item, Secret) else None

    @property
    def nodes(self) -> list[Node]:
        """All Nodes, in the order of the Lab."""
        found = (self.objects.get(Key("Node", "", template.name)) for template in self.lab.spec.nodes)
        return [item for item in found if isinstance(item, Node)]


def _replaced(items: tuple[Any, ...], later: Iterable[KubernetesObject]) -> tuple[Any, ...]:
    """Objects sorted by key, the later ones in the places of those with their keys."""
    found = list(items)
    for item in later:
        found[bisect.bisect_left(items, item.key, key=operator.attrgetter("key"))] = item
    return tuple(found)
