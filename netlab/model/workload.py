"""Deployment, ConfigMap, Namespace and Node: the other objects a lab knows.

Source: Kubernetes API reference, apps/v1 and core/v1. A Deployment keeps `replicas` Pods; rolling updates come later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from netlab.model.meta import Annotations, Condition, Key, Labels, LabelSelector, ObjectMeta
from netlab.model.pod import PodSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateMeta:
    """`metadata` of a Pod template."""

    name: str = ""
    labels: Labels = field(default_factory=dict)
    annotations: Annotations = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodTemplateSpec:
    """What each Pod of a Deployment is made from."""

    metadata: TemplateMeta
    spec: PodSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSpec:
    """`spec` of a Deployment."""

    selector: LabelSelector
    template: PodTemplateSpec
    replicas: Annotated[int, "non-negative"] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentStatus:
    """How many Pods there are of those that are wished; counted whenever the Deployment is looked at."""

    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    unavailable_replicas: int = 0
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A number of equal Pods."""

    kind: ClassVar[str] = "Deployment"
    api_version: ClassVar[str] = "apps/v1"
    metadata: ObjectMeta
    spec: DeploymentSpec
    status: DeploymentStatus = field(default_factory=DeploymentStatus)

    @property
    def key(self) -> Key:
        """The Deployment's identity."""
        return Key("Deployment", self.metadata.namespace, self.metadata.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigMap:
    """Configuration as text under keys."""

    kind: ClassVar[str] = "ConfigMap"
    api_version: ClassVar[str] = "v1"
    metadata: ObjectMeta
    data: dict[Annotated[str, "config-key"], str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """The ConfigMap's identity."""
        return Key("ConfigMap", self.metadata.namespace, self.metadata.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A scope for names. `default` and `kube-system` always exist."""

    kind: ClassVar[str] = "Namespace"
    api_version: ClassVar[str] = "v1"
    metadata: ObjectMeta

    @property
    def key(self) -> Key:
        """The Namespace's identity."""
        return Key("Namespace", "", self.metadata.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """Where the Node's Pods get their addresses; assigned once."""

    pod_cidr: str = ""
    pod_cidrs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A machine of the lab: a network namespace on the fabric. `internal_ip` is its address there.

    `is_ready` is what was seen when the Node was looked at: its namespace exists.
    """

    kind: ClassVar[str] = "Node"
    api_version: ClassVar[str] = "v1"
    metadata: ObjectMeta
    spec: NodeSpec = field(default_factory=NodeSpec)
    internal_ip: str = ""
    is_ready: bool = False

    @property
    def key(self) -> Key:
        """The Node's identity."""
        return Key("Node", "", self.metadata.name)
