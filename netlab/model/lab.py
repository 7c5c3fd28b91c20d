"""Lab: the size and the address plan of one lab, and `Cluster`, everything in it at one moment.

`Lab` is netlab's own kind (`apiVersion: netlab/v1`). Its defaults are kind's, so that a lab looks like a cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Annotated, ClassVar, TypeAlias

from netlab.frozen import dataclass
from netlab.model.config import ConfigMap, Secret
from netlab.model.daemon_set import DaemonSet
from netlab.model.event import Event
from netlab.model.job import Job
from netlab.model.meta import Key, Labels, ObjectMeta
from netlab.model.node import Namespace, Node
from netlab.model.pod import Pod
from netlab.model.power import LabStatus
from netlab.model.service import EndpointSlice, Service
from netlab.model.workload import Deployment, ReplicaSet

KubernetesObject: TypeAlias = (
    Pod | Service | EndpointSlice | Deployment | ReplicaSet | DaemonSet | Job | ConfigMap | Secret | Namespace | Node | Event
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTemplate:
    """A Node of the lab by name, with labels for nodeSelector."""

    name: Annotated[str, "node-name"]
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSpec:
    """Size and addresses. Subnets are CIDR text; each Node gets one /`node_cidr_mask` of `pod_subnet`.

    `node_monitor_grace_period` is in seconds.
    """

    nodes: tuple[NodeTemplate, ...] = tuple(NodeTemplate(name=f"node-{n}") for n in (1, 2, 3))
    node_subnet: Annotated[str, "ipv4-cidr"] = "172.18.0.0/16"
    pod_subnet: Annotated[str, "ipv4-cidr"] = "10.244.0.0/16"
    node_cidr_mask: Annotated[int, "ipv4-mask"] = 24
    service_subnet: Annotated[str, "ipv4-cidr"] = "10.96.0.0/16"
    outside_subnet: Annotated[str, "ipv4-cidr"] = "203.0.113.1/32"
    node_port_range: Annotated[str, "port-range"] = "30000-32767"
    cluster_domain: Annotated[str, "dns-name"] = "cluster.local"
    mtu: Annotated[int, "mtu"] = 1500
    node_monitor_grace_period: Annotated[int, "non-negative"] = 40


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """All objects of a lab at one moment, by key. Immutable by convention: make a new one with `with_objects`."""

    lab: Lab
    objects: Mapping[Key, KubernetesObject] = field(default_factory=dict)

    def with_objects(self, objects: Iterable[KubernetesObject]) -> Cluster:
        """Return a Cluster in which these objects replace or join the others."""
        return Cluster(lab=self.lab, objects={**self.objects, **{item.key: item for item in objects}})

    def without(self, keys: Iterable[Key]) -> Cluster:
        """Return a Cluster that lacks these keys; unknown keys are no error."""
        gone = set(keys)
        return Cluster(lab=self.lab, objects={key: item for key, item in self.objects.items() if key not in gone})

    @property
    def pods(self) -> list[Pod]:
        """All Pods, sorted by key."""
        return [item for _, item in sorted(self.objects.items()) if isinstance(item, Pod)]

    @property
    def services(self) -> list[Service]:
        """All Services, sorted by key."""
        return [item for _, item in sorted(self.objects.items()) if isinstance(item, Service)]

    @property
    def slices(self) -> list[EndpointSlice]:
        """All EndpointSlices, hand-written and derived, sorted by key."""
        return [item for _, item in sorted(self.objects.items()) if isinstance(item, EndpointSlice)]

    @property
    def deployments(self) -> list[Deployment]:
        """All Deployments, sorted by key."""
        return [item for _, item in sorted(self.objects.items()) if isinstance(item, Deployment)]

    @property
    def replica_sets(self) -> list[ReplicaSet]:
        """All ReplicaSets, sorted by key."""
        return [item for _, item in sorted(self.objects.items()) if isinstance(item, ReplicaSet)]

    @property
    def daemon_sets(self) -> list[DaemonSet]:
        """All DaemonSets, sorted by key."""
        return [item for _, item in sorted(self.objects.items()) if isinstance(item, DaemonSet)]

    @property
    def jobs(self) -> list[Job]:
        """All Jobs, sorted by key."""
        return [item for _, item in sorted(self.objects.items()) if isinstance(item, Job)]

    @property
    def events(self) -> list[Event]:
        """All Events, sorted by key; there are none unless they were asked for."""
        return [item for _, item in sorted(self.objects.items()) if isinstance(item, Event)]

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
