"""What one round of reconcile goes by: everything wished, chosen and seen at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from netlab.desired.assignments import Assignments
from netlab.desired.sandboxes import sandbox
from netlab.desired.unreachable import is_on_stopped_node
from netlab.errors import NetlabError
from netlab.frozen import dataclass
from netlab.model.lab import Cluster
from netlab.model.meta import Key
from netlab.model.pod import Pod
from netlab.model.resources import Amounts
from netlab.netstate.process import Sandbox, SandboxStatus
from netlab.netstate.pull import ImageLook

Formed = Mapping[Key, Sandbox | NetlabError]
"""The processes each bound Pod is to have, or the reason why they cannot be formed yet (a missing ConfigMap)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Objects with the newest statuses, choices, what runs, the time (seconds since the epoch), images by name in manifests."""

    cluster: Cluster
    assignments: Assignments
    formed: Formed
    seen: Mapping[str, SandboxStatus]
    now: float
    images: Mapping[str, ImageLook] = field(default_factory=dict)

    def is_off(self, pod: Pod) -> bool:
        """Tell whether the Pod is bound to a Node whose machine is off."""
        return is_on_stopped_node(self.cluster.lab, self.assignments.pods.get(pod.key))


def form_sandboxes(cluster: Cluster, assignments: Assignments, images: Mapping[str, ImageLook], room: Amounts) -> Formed:
    """Return the processes of every Pod that is bound to a Node; those whose image is not here yet have nothing to run.

    `room` is what a Node has.
    """
    here = {name: look.image for name, look in images.items() if look.image is not None}
    found: dict[Key, Sandbox | NetlabError] = {}
    for pod in cluster.pods:
        bound = assignments.pods.get(pod.key)
        if bound and bound.ips:
            try:
                found[pod.key] = sandbox(cluster, assignments, pod, here, room)
            except NetlabError as error:
                found[pod.key] = error
    return found
