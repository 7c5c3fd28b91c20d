"""What is known of Pods on a machine that is off: what they last were, and later that nobody knows. Pure.

Nobody there reports any more, so a status stays as it was; containers, addresses and restarts with it. When the control plane
gives the Node up, a Pod that ran is Unknown and not ready, so it is no endpoint any more. (Kubernetes documents the phase
Unknown for this, and leaves such Pods Running.)
Source: Kubernetes docs, pod-lifecycle (Pod phase); node_lifecycle_controller.go (MarkPodsNotReady).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from netlab.desired.assignments import PodAssignment
from netlab.desired.power import lost_nodes, power_of, stopped_nodes
from netlab.model.lab import Lab
from netlab.model.meta import Condition
from netlab.model.pod import Pod
from netlab.model.pod_status import PodStatus


def is_on_stopped_node(lab: Lab, bound: PodAssignment | None) -> bool:
    """Tell whether a Pod is bound to a Node whose machine is off."""
    return bound is not None and bound.node in stopped_nodes(lab)


def last_known_status(pod: Pod, lab: Lab, bound: PodAssignment) -> PodStatus:
    """Return the status of a Pod on a machine that is off."""
    is_lost = bound.node in lost_nodes(lab) and pod.status.phase == "Running"
    return replace(pod.status, phase="Unknown") if is_lost else pod.status


def is_forgotten(pod: Pod) -> bool:
    """Tell whether a Pod on a machine that is off is gone: only if its deletion waits for nobody (grace period 0)."""
    return bool(pod.metadata.deletion_timestamp) and pod.metadata.deletion_grace_period_seconds == 0


def unknown_conditions(pod: Pod, lab: Lab, found: Iterable[Condition]) -> tuple[Condition, ...]:
    """Return the conditions that a Pod of phase Unknown had, but that it is not Ready since its Node was given up."""
    node = pod.spec.node_name
    message = f"Node {node} which was running pod {pod.metadata.name} is unresponsive"
    since = power_of(lab, node).noticed_at
    lost = Condition(type="Ready", status="False", reason="NodeLost", message=message, last_transition_time=since)
    return tuple(lost if one.type == "Ready" else one for one in found)
