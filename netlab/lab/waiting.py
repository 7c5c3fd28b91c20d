"""Waiting until something is true of a lab: a look at every change of its state file, and none in between.

A wait that is over says what was seen last, so that nobody has to repeat it to learn that.
Source: kubectl wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from netlab.cli.words import resource
from netlab.engine.view import watch_lab
from netlab.errors import NotFound
from netlab.lab.captured import TimedOut
from netlab.model.codec import encode
from netlab.model.lab import Cluster, KubernetesObject
from netlab.model.lifecycle import status_word
from netlab.model.meta import Key
from netlab.model.pod import Pod
from netlab.store.paths import LabPaths

Test = Callable[[KubernetesObject | None], bool]
Missing = Callable[[Cluster], str]
"""What is not yet as awaited, in words; empty if nothing is."""


def until(paths: LabPaths, missing: Missing, timeout_s: float) -> Cluster:
    """Return the lab as soon as nothing is missing.

    Raises:
        TimedOut: something still is after `timeout_s` seconds.
        NotFound: there is no such lab, or it is gone.
    """
    deadline = time.monotonic() + timeout_s
    left = "nothing was seen"
    for cluster in watch_lab(paths, deadline):
        left = missing(cluster)
        if not left:
            return cluster
    if time.monotonic() < deadline:
        raise NotFound(f"lab {paths.lab!r} is gone; last seen: {left}")
    raise TimedOut(f"not in {timeout_s:g} s; last seen: {left}")


def missing_condition(key: Key, condition: str | Test) -> Missing:
    """Return what `wait` looks for: a condition by name, `Deleted`, `Created`, or a test of the object (None: there is none).

    An object of the same name that comes after the one seen first is another one: then that one was deleted.
    """
    test = condition if callable(condition) else _test(condition)
    may_be_absent = callable(condition) or condition.lower() in _EXISTENCE
    first: list[str] = []

    def missing(cluster: Cluster) -> str:
        item = cluster.objects.get(key)
        if item is not None:
            first[:] = first or [item.metadata.uid]
        seen = item if item is not None and item.metadata.uid == first[0] else None
        if seen is None and not may_be_absent:
            raise NotFound(f'{resource(key.kind)} "{key.name}" not found', origin="Error from server (NotFound)")
        return "" if test(seen) else f"{key} {describe(seen)}"

    return missing


def unready(uids: Collection[str] | None = None) -> Missing:
    """Return what is not ready: Pods that neither run nor have succeeded, Deployments with too few Pods.

    With `uids` only these objects count, and the Pods they own, be it through a ReplicaSet.
    """

    def missing(cluster: Cluster) -> str:
        wanted = None if uids is None else _with_descendants(cluster, uids)
        pods = [pod for pod in cluster.pods if wanted is None or pod.metadata.uid in wanted]
        late = [pod for pod in pods if not pod.is_ready and pod.status.phase != "Succeeded"]
        words = [f"{pod.key} {describe(pod)}" for pod in late]
        for item in cluster.deployments:
            found = min(item.status.ready_replicas, item.status.updated_replicas)
            if (uids is None or item.metadata.uid in uids) and found < item.spec.replicas:
                words.append(f"{item.key} has {found} of {item.spec.replicas} Pods ready")
        return ", ".join(words)

    return missing


def describe(item: KubernetesObject | None) -> str:
    """Return in a few words how an object is: `is CrashLoopBackOff`, `has Available=False`."""
    if item is None:
        return "does not exist"
    if isinstance(item, Pod):
        reasons = [one.message for one in item.all_statuses if one.message and one.state != "running"]
        return f"is {status_word(item)}{f' ({reasons[0]})' if reasons else ''}"
    found = [f"{one['type']}={one['status']}" for one in _conditions(item)]
    return f"has {', '.join(found)}" if found else "exists"


_EXISTENCE: dict[str, Test] = {
    "deleted": lambda item: item is None,
    "delete": lambda item: item is None,
    "created": lambda item: item is not None,
    "create": lambda item: item is not None,
}


def _test(condition: str) -> Test:
    """Return the test for `Deleted`, `Created`, `Ready`, `Available=False`; upper and lower case are one, as in kubectl."""
    if condition.lower() in _EXISTENCE:
        return _EXISTENCE[condition.lower()]
    name, _, value = condition.lower().partition("=")
    wanted = (name, value or "true")
    return lambda item: any((one["type"].lower(), one["status"].lower()) == wanted for one in _conditions(item))


def _conditions(item: KubernetesObject | None) -> list[dict[str, str]]:
    return encode(item).get("status", {}).get("conditions", []) if item is not None else []


def _with_descendants(cluster: Cluster, uids: Collection[str]) -> set[str]:
    """The uids, and those of all that is owned by one of them, or by what it owns."""
    owners = {item.metadata.uid: {one.uid for one in item.metadata.owner_references} for item in cluster.objects.values()}
    found, size = set(uids), 0
    while len(found) != size:
        size = len(found)
        found |= {uid for uid, above in owners.items() if above & found}
    return found
