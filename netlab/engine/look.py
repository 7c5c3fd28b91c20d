"""What one round of reconcile goes by: everything wished, chosen and seen at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netlab.desired.assignments import Assignments
from netlab.desired.sandboxes import sandbox
from netlab.errors import NetlabError
from netlab.model.lab import Cluster
from netlab.model.meta import Key
from netlab.netstate.process import Sandbox, SandboxStatus

Formed = Mapping[Key, Sandbox | NetlabError]
"""The processes each bound Pod is to have, or the reason why they cannot be formed yet (a missing ConfigMap)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Objects with the newest statuses, choices, what runs, and the time (seconds since the epoch)."""

    cluster: Cluster
    assignments: Assignments
    formed: Formed
    seen: Mapping[str, SandboxStatus]
    now: float


def form_sandboxes(cluster: Cluster, assignments: Assignments) -> Formed:
    """Return the processes of every Pod that is bound to a Node."""
    found: dict[Key, Sandbox | NetlabError] = {}
    for pod in cluster.pods:
        bound = assignments.pods.get(pod.key)
        if bound and bound.ips:
            try:
                found[pod.key] = sandbox(cluster, assignments, pod)
            except NetlabError as error:
                found[pod.key] = error
    return found
