"""Which Node a Pod runs on: the least loaded of those that fit; decided once, kept until the Pod is gone (N20).

A Node fits if no row of PREDICATES has a reason against it; of several rows the first is told. Of those that fit, one with
fewer PreferNoSchedule taints that the Pod does not tolerate comes first, then one with fewer Pods. A Pod that names its Node
is not the scheduler's business: neither `cordon` nor NoSchedule keeps it away. Reasons are worded as kube-scheduler's; what it
says of preemption is left out, since there is none.
Source: Kubernetes docs, kube-scheduler, Assigning Pods to Nodes, Taints and Tolerations; framework.FitError.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from netlab.desired.host_ports import collide, wished_ports
from netlab.desired.tolerations import tolerations_of
from netlab.model.node import Node
from netlab.model.pod import Pod
from netlab.model.resources import NO_AMOUNTS, Amounts, added, pod_requests, without
from netlab.model.taint import UNSCHEDULABLE, Taint, tolerating


class Place(NamedTuple):
    """A Node as the scheduler sees it: the Pods that are bound to it and have not ended, whether an address is left.

    `free` is what it has and has not promised to those Pods; a resource that is not in it is never short.
    """

    node: Node
    pods: Sequence[Pod] = ()
    has_address: bool = True
    free: Amounts = NO_AMOUNTS

    def with_pod(self, pod: Pod) -> Place:
        """Return the place with one more Pod bound to it."""
        return self._replace(pods=(*self.pods, pod), free=without(self.free, pod_requests(pod.spec)))


def place_of(node: Node, pods: Sequence[Pod], room: Amounts) -> Place:
    """Return the place of a Node that has `room` for its Pods to ask for."""
    return Place(node, pods, free=without(room, added(pod_requests(pod.spec) for pod in pods)))


Predicate = Callable[[Pod, Place], tuple[str, ...]]
"""The reasons why a Pod cannot run in a place; none if it can."""


def pick_node(pod: Pod, places: Sequence[Place]) -> tuple[str, str]:
    """Return (name of the Node, "") or ("", the reason why none fits).

    Args:
        pod: a Pod that is not bound yet.
        places: all Nodes; of equally good ones the first is taken.
    """
    verdicts = [(place, _reasons(pod, place)) for place in places]
    fitting = [place for place, reasons in verdicts if not reasons]
    if fitting:
        best = min(fitting, key=lambda place: (_disliked(pod, place.node), len(place.pods)))
        return best.node.metadata.name, ""
    counts = Counter(reason for _, reasons in verdicts for reason in reasons)
    told = ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
    return "", f"0/{len(places)} nodes are available: {told}."


def _reasons(pod: Pod, place: Place) -> tuple[str, ...]:
    return next((found for predicate in PREDICATES if (found := predicate(pod, place))), ())


def _disliked(pod: Pod, node: Node) -> int:
    """The number of PreferNoSchedule taints that the Pod does not tolerate."""
    return len([taint for taint in _untolerated(pod, node) if taint.effect == "PreferNoSchedule"])


def _untolerated(pod: Pod, node: Node) -> list[Taint]:
    tolerations = tolerations_of(pod) if node.spec.taints else ()
    return [taint for taint in node.spec.taints if tolerating(tolerations, taint) is None]


def _schedulable(pod: Pod, place: Place) -> tuple[str, ...]:
    if pod.spec.node_name or not place.node.spec.unschedulable:
        return ()
    tolerated = tolerating(tolerations_of(pod), Taint(key=UNSCHEDULABLE, effect="NoSchedule"))
    return () if tolerated else ("node(s) were unschedulable",)


def _named(pod: Pod, place: Place) -> tuple[str, ...]:
    is_meant = pod.spec.node_name in {"", place.node.metadata.name}
    return () if is_meant else ("node(s) didn't match the requested node name",)


def _tolerant(pod: Pod, place: Place) -> tuple[str, ...]:
    if pod.spec.node_name:
        return ()
    forbidding = [taint for taint in _untolerated(pod, place.node) if taint.effect != "PreferNoSchedule"]
    return tuple(f"node(s) had untolerated taint {{{taint.key}: {taint.value}}}" for taint in forbidding[:1])


def _selected(pod: Pod, place: Place) -> tuple[str, ...]:
    labels = place.node.metadata.labels
    matches = all(labels.get(key) == value for key, value in pod.spec.node_selector.items())
    return () if matches else ("node(s) didn't match Pod's node affinity/selector",)


def _open(pod: Pod, place: Place) -> tuple[str, ...]:
    wanted = tuple(wished_ports(pod))
    taken = (port for other in place.pods for port in wished_ports(other)) if wanted else ()
    is_free = not any(collide(port, one) for port in taken for one in wanted)
    return () if is_free else ("node(s) didn't have free ports for the requested pod ports",)


def _sufficient(pod: Pod, place: Place) -> tuple[str, ...]:
    """What is asked for and already promised must not be more than there is. Limits do not count."""
    asked = pod_requests(pod.spec)
    short = (name for name, free in place.free.items() if name in asked and asked[name].nano > max(0, free.nano))
    return tuple(f"Insufficient {name}" for name in short)


def _addressable(pod: Pod, place: Place) -> tuple[str, ...]:
    return () if place.has_address or pod.spec.host_network else ("node(s) have no free Pod address",)


# In the order of kube-scheduler's filters.
PREDICATES: tuple[Predicate, ...] = (_schedulable, _named, _tolerant, _selected, _open, _sufficient, _addressable)
