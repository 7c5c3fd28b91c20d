"""DaemonSet: one Pod on each Node. Source: Kubernetes API reference, apps/v1 DaemonSet."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar, Literal

from netlab.frozen import dataclass
from netlab.model.meta import Key, LabelSelector, ObjectMeta
from netlab.model.workload import IntOrPercent, PodTemplateSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingUpdateDaemonSet:
    """On how many Nodes the Pod may be missing during an update: a number, or a part of them in percent."""

    max_unavailable: IntOrPercent = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonSetUpdateStrategy:
    """Whether Pods of an old template are replaced, or stay until somebody deletes them."""

    type: Literal["RollingUpdate", "OnDelete"] = "RollingUpdate"
    rolling_update: RollingUpdateDaemonSet | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonSetSpec:
    """`spec` of a DaemonSet."""

    selector: LabelSelector
    template: PodTemplateSpec
    update_strategy: DaemonSetUpdateStrategy = field(default_factory=DaemonSetUpdateStrategy)
    min_ready_seconds: Annotated[int, "non-negative"] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonSetStatus:
    """On how many Nodes there is a Pod of those that are to have one; counted whenever the DaemonSet is looked at."""

    current_number_scheduled: int = 0
    number_misscheduled: int = 0
    desired_number_scheduled: int = 0
    number_ready: int = 0
    updated_number_scheduled: int = 0
    number_available: int = 0
    number_unavailable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonSet:
    """One Pod on each Node that fits."""

    kind: ClassVar[str] = "DaemonSet"
    api_version: ClassVar[str] = "apps/v1"
    metadata: ObjectMeta
    spec: DaemonSetSpec
    status: DaemonSetStatus = field(default_factory=DaemonSetStatus)

    @property
    def key(self) -> Key:
        """The DaemonSet's identity."""
        return Key("DaemonSet", self.metadata.namespace, self.metadata.name)
