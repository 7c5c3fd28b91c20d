"""Taints keep Pods away from a Node, tolerations let a Pod come all the same.

    NoSchedule ......... no further Pod that does not tolerate it is put there
    PreferNoSchedule ... only if there is no other Node
    NoExecute .......... neither put there nor left there: Pods that run there are evicted

Source: Kubernetes docs, Taints and Tolerations; API reference, core/v1; k8s.io/component-helpers (TolerationsTolerateTaint).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from netlab.frozen import dataclass
from netlab.model.meta import LabelKey

TaintEffect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """One taint of a Node; `time_added` (RFC 3339) is when a NoExecute taint came, from which on Pods' seconds count."""

    key: LabelKey
    value: Annotated[str, "label-value"] = ""
    effect: TaintEffect
    time_added: str = ""

    def __str__(self) -> str:
        """Return the taint as kubectl writes it: `disk=slow:NoSchedule`, `maintenance:NoExecute`."""
        return f"{self.key}{f'={self.value}' if self.value else ''}:{self.effect}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Toleration:
    """Which taints a Pod tolerates. An empty key means all keys, an empty effect all effects, no operator means Equal."""

    key: LabelKey = ""
    operator: Literal["", "Equal", "Exists"] = ""
    value: Annotated[str, "label-value"] = ""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""
    toleration_seconds: Annotated[int, "int32"] | None = None

    def tolerates(self, taint: Taint) -> bool:
        """Tell whether a Pod with this toleration bears the taint, for however long."""
        if (self.effect and self.effect != taint.effect) or (self.key and self.key != taint.key):
            return False
        return self.operator == "Exists" or (bool(self.key) and self.value == taint.value)


def tolerating(tolerations: Iterable[Toleration], taint: Taint) -> Toleration | None:
    """Return the first toleration that bears the taint, or None."""
    return next((one for one in tolerations if one.tolerates(taint)), None)
