"""Which Pods `drain` takes from a Node, which it leaves there, and which are in its way. Pure.

A Pod passes the filters one after the other; the first that keeps it decides, and a warning counts only if no later filter has
another opinion. One Pod in the way keeps all of the Node from being drained.
Source: kubectl drain (v1.32): pkg/drain/filters.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from netlab.frozen import dataclass
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.meta import OwnerReference
from netlab.model.pod import Pod
from netlab.model.times import epoch

MIRROR = "kubernetes.io/config.mirror"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainOptions:
    """What the user allows. `skip_after_s`: Pods that are being deleted for longer are not waited for; 0: all are."""

    force: bool = False
    ignore_daemonsets: bool = False
    delete_emptydir_data: bool = False
    skip_after_s: int = 0
    now: float = 0.0


class Verdict(NamedTuple):
    """What is to become of one Pod, and what there is to say about it: `warning`, or `error` if it is in the way."""

    goes: bool
    warning: str = ""
    error: str = ""


GOES, STAYS = Verdict(goes=True), Verdict(goes=False)


class DrainPlan(NamedTuple):
    """The Pods to evict, and kubectl's lines: a warning, errors (then nothing is evicted)."""

    pods: tuple[Pod, ...]
    warning: str
    errors: tuple[str, ...]


def plan_drain(pods: Iterable[Pod], options: DrainOptions) -> DrainPlan:
    """Return what draining a Node means for these Pods, all that are on it."""
    verdicts = [(pod, verdict(pod, options)) for pod in pods]
    warnings = _grouped((pod, found.warning) for pod, found in verdicts)
    errors = _grouped((pod, found.error) for pod, found in verdicts)
    return DrainPlan(
        pods=tuple(pod for pod, found in verdicts if found.goes),
        warning="; ".join(f"{message}: {names}" for message, names in warnings.items()),
        errors=tuple(f"cannot delete {message}: {names}" for message, names in errors.items()),
    )


def verdict(pod: Pod, options: DrainOptions) -> Verdict:
    """Return what is to become of one Pod."""
    found = GOES
    for look in FILTERS:
        found = look(pod, options)
        if not found.goes:
            break
    return found


def _grouped(said: Iterable[tuple[Pod, str]]) -> dict[str, str]:
    """The Pods of which the same is said, as one text."""
    found: dict[str, list[str]] = {}
    for pod, message in said:
        if message:
            found.setdefault(message, []).append(f"{pod.metadata.namespace}/{pod.metadata.name}")
    return {message: ", ".join(names) for message, names in found.items()}


def _controller(pod: Pod) -> OwnerReference | None:
    return next((owner for owner in pod.metadata.owner_references if owner.controller), None)


def _has_ended(pod: Pod) -> bool:
    return pod.status.phase in FINAL_PHASES


def _is_long_gone(pod: Pod, options: DrainOptions) -> Verdict:
    since = epoch(pod.metadata.deletion_timestamp)
    return STAYS if options.skip_after_s > 0 and since and options.now - since > options.skip_after_s else GOES


def _is_of_daemon_set(pod: Pod, options: DrainOptions) -> Verdict:
    owner = _controller(pod)
    if owner is None or owner.kind != "DaemonSet" or _has_ended(pod):
        return GOES
    if options.ignore_daemonsets:
        return Verdict(goes=False, warning="ignoring DaemonSet-managed Pods")
    return Verdict(goes=False, error="DaemonSet-managed Pods (use --ignore-daemonsets to ignore)")


def _is_mirror(pod: Pod, _: DrainOptions) -> Verdict:
    return STAYS if MIRROR in pod.metadata.annotations else GOES


def _has_local_storage(pod: Pod, options: DrainOptions) -> Verdict:
    if _has_ended(pod) or not any(volume.empty_dir is not None for volume in pod.spec.volumes):
        return GOES
    if options.delete_emptydir_data:
        return Verdict(goes=True, warning="deleting Pods with local storage")
    return Verdict(goes=False, error="Pods with local storage (use --delete-emptydir-data to override)")


def _is_unmanaged(pod: Pod, options: DrainOptions) -> Verdict:
    if _has_ended(pod) or _controller(pod) is not None:
        return GOES
    if options.force:
        return Verdict(goes=True, warning="deleting Pods that declare no controller")
    return Verdict(goes=False, error="cannot delete Pods that declare no controller (use --force to override)")


Filter = Callable[[Pod, DrainOptions], Verdict]
FILTERS: tuple[Filter, ...] = (_is_long_gone, _is_of_daemon_set, _is_mirror, _has_local_storage, _is_unmanaged)
