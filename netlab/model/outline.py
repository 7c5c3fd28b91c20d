"""A Pod in outline: all that is to be known of it before a command runs in one of its containers.

    outline_of .... of a Pod
    outline_in .... of the text that the store keeps of one; no Pod is made, which takes longer than the rest of `netlab exec`

Both say the same of the same Pod. Source: kubectl exec (pkg/cmd/exec, podcmd): what it asks of a Pod.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from netlab.frozen import dataclass

if TYPE_CHECKING:
    from netlab.model.pod import Pod

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodOutline:
    """`containers` and `init_containers` are names, `default_container` the one its annotation names, or empty."""

    name: str
    namespace: str
    uid: str
    phase: str
    containers: tuple[str, ...]
    init_containers: tuple[str, ...] = ()
    default_container: str = ""

    def __str__(self) -> str:
        return f"pod/{self.name}"


def outline_of(pod: Pod) -> PodOutline:
    """Return the outline of a Pod."""
    return PodOutline(
        name=pod.metadata.name,
        namespace=pod.metadata.namespace,
        uid=pod.metadata.uid,
        phase=pod.status.phase,
        containers=tuple(container.name for container in pod.spec.containers),
        init_containers=tuple(container.name for container in pod.spec.init_containers),
        default_container=pod.metadata.annotations.get(DEFAULT_CONTAINER, ""),
    )


def outline_in(body: str, status: str) -> PodOutline:
    """Return the outline of a Pod that `codec.encode` wrote: `body` is its JSON, `status` that of its status, or empty.

    Raises:
        ValueError, TypeError, LookupError, AttributeError: this is no Pod's text.
    """
    plain = json.loads(body)
    metadata, spec = plain["metadata"], plain["spec"]
    return PodOutline(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        phase=(json.loads(status) if status else {}).get("phase", "Pending"),
        containers=tuple(container["name"] for container in spec["containers"]),
        init_containers=tuple(container["name"] for container in spec.get("initContainers", ())),
        default_container=metadata.get("annotations", {}).get(DEFAULT_CONTAINER, ""),
    )
