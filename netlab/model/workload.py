"""Deployment and ReplicaSet: a number of equal Pods made from one template, and the way from one template to the next.

Source: Kubernetes API reference, apps/v1.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar, Literal

from netlab.frozen import dataclass
from netlab.model.meta import Annotations, Condition, Key, Labels, LabelSelector, ObjectMeta
from netlab.model.pod import PodSpec

IntOrPercent = Annotated[int | str, "int-or-percent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateMeta:
    """`metadata` of a Pod template."""

    name: str = ""
    labels: Labels = field(default_factory=dict)
    annotations: Annotations = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodTemplateSpec:
    """What each Pod of a workload is made from."""

    metadata: TemplateMeta = field(default_factory=TemplateMeta)
    spec: PodSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingUpdateDeployment:
    """How many Pods there may be too many and too few in an update: a number, or a part of `replicas` in percent."""

    max_surge: IntOrPercent = "25%"
    max_unavailable: IntOrPercent = "25%"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentStrategy:
    """How the Pods of the old template make room for those of the new one."""

    type: Literal["RollingUpdate", "Recreate"] = "RollingUpdate"
    rolling_update: RollingUpdateDeployment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSpec:
    """`spec` of a Deployment."""

    selector: LabelSelector
    template: PodTemplateSpec
    replicas: Annotated[int, "non-negative"] = 1
    strategy: DeploymentStrategy = field(default_factory=DeploymentStrategy)
    min_ready_seconds: Annotated[int, "non-negative"] = 0
    revision_history_limit: Annotated[int, "non-negative"] = 10
    paused: bool = False
    progress_deadline_seconds: Annotated[int, "positive"] = 600


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
    """A number of equal Pods, kept by ReplicaSets: one for each template it had."""

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
class ReplicaSetSpec:
    """`spec` of a ReplicaSet."""

    selector: LabelSelector
    template: PodTemplateSpec
    replicas: Annotated[int, "non-negative"] = 1
    min_ready_seconds: Annotated[int, "non-negative"] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaSetStatus:
    """How many Pods there are of those that are wished; counted whenever the ReplicaSet is looked at."""

    replicas: int = 0
    fully_labeled_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaSet:
    """A number of equal Pods."""

    kind: ClassVar[str] = "ReplicaSet"
    api_version: ClassVar[str] = "apps/v1"
    metadata: ObjectMeta
    spec: ReplicaSetSpec
    status: ReplicaSetStatus = field(default_factory=ReplicaSetStatus)

    @property
    def key(self) -> Key:
        """The ReplicaSet's identity."""
        return Key("ReplicaSet", self.metadata.namespace, self.metadata.name)
