"""Whether a Pod has been ready for long enough to count as available, and when there will be another one. Pure.

Source: Kubernetes docs, Deployment (minReadySeconds); podutil.IsPodAvailable.
"""

from __future__ import annotations

from netlab.desired.conditions import ready_since
from netlab.model.pod import Pod
from netlab.model.times import epoch


def available_at(pod: Pod, min_ready_seconds: int) -> float | None:
    """Return from when on a Pod counts as available (seconds since the epoch), or None while it is not ready."""
    if not pod.is_ready:
        return None
    stamp = next((one.last_transition_time for one in pod.status.conditions if one.type == "Ready"), "") or ready_since(pod)
    return epoch(stamp) + min_ready_seconds


def is_available(pod: Pod, min_ready_seconds: int, now: float) -> bool:
    """Tell whether a Pod has been ready for as long as its owner asks."""
    moment = available_at(pod, min_ready_seconds)
    return moment is not None and (not min_ready_seconds or moment <= now)
