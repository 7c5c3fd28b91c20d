"""What is said of volumes that cannot be set up: an Event FailedMount, once for each reason that a Pod waits for.

Source: kubelet volumemanager; its event FailedMount.
"""

from __future__ import annotations

from netlab.engine.look import Look
from netlab.errors import MountFailure
from netlab.model.event import Event, event_of
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.pod import Pod
from netlab.store.events import is_known, record
from netlab.store.store import Store

FAILED_MOUNT = "FailedMount"


def mount_event(pod: Pod, error: MountFailure) -> Event:
    """Return what the kubelet says of a volume that cannot be set up."""
    return event_of(pod.key, "Warning", FAILED_MOUNT, str(error))


def tell_failed_mounts(store: Store, look: Look) -> None:
    """Record why Pods wait for their volumes, unless it was said of them already."""
    for pod in look.cluster.pods:
        error = look.formed.get(pod.key)
        if not isinstance(error, MountFailure) or pod.metadata.deletion_timestamp or pod.status.phase in FINAL_PHASES:
            continue
        event = mount_event(pod, error)
        if not pod.status.start_time or not is_known(store, event):  # one of an earlier Pod of the same name does not count
            record(store, event, look.now)
