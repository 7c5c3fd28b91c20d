"""A machine dies and comes back: when the control plane notices, and what the cluster then knows of the Node. Pure.

    stopped ......... its processes are gone, its cable is out; the control plane still believes the last it heard
    noticed ......... notice_after_seconds later: Ready is Unknown, tainted unreachable, the Pods' phase is Unknown
    evicted ......... the Pods' tolerationSeconds after that they are being deleted (evictions.py), which nobody there does
    started ......... all of that ends; containers start again, Pods that were evicted meanwhile disappear

Times are decided on here and stored by the engine, so a process killed at any moment loses nothing.
Source: Kubernetes docs, Nodes (heartbeats, node controller); node_lifecycle_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from netlab.model.lab import Lab
from netlab.model.node import Node
from netlab.model.power import MachinePower
from netlab.model.taint import NOT_READY, UNREACHABLE, UNSCHEDULABLE, Taint
from netlab.model.times import epoch, rfc3339

FOLLOWING = frozenset({NOT_READY, UNREACHABLE, UNSCHEDULABLE})


def power_of(lab: Lab, name: str) -> MachinePower:
    """Return what is known of the machine of this Node; one that was never stopped has no times."""
    return next((item for item in lab.status.machines if item.name == name), MachinePower(name=name))


def stopped_nodes(lab: Lab) -> frozenset[str]:
    """Return the names of the Nodes whose machines are off."""
    return frozenset(item.name for item in lab.status.machines if item.stopped_at)


def lost_nodes(lab: Lab) -> frozenset[str]:
    """Return the names of the Nodes that are off and that the control plane has given up."""
    return frozenset(item.name for item in lab.status.machines if item.noticed_at)


def stop_machines(lab: Lab, names: Iterable[str], now: float, notice_after_s: int | None = None) -> Lab:
    """Return the lab with these machines off; one that is off already keeps its times.

    `notice_after_s` is how long the control plane takes to notice; None: the lab's nodeMonitorGracePeriod.
    """
    after_s = lab.spec.node_monitor_grace_period if notice_after_s is None else notice_after_s
    off = [MachinePower(name=name, stopped_at=rfc3339(now), notice_after_seconds=after_s) for name in names]
    return _with(lab, (item for item in off if not power_of(lab, item.name).stopped_at))


def start_machines(lab: Lab, names: Iterable[str], now: float) -> Lab:
    """Return the lab with these machines on; one that is on already keeps its times."""
    off = stopped_nodes(lab)
    return _with(lab, (MachinePower(name=name, started_at=rfc3339(now)) for name in names if name in off))


def notice(lab: Lab, now: float) -> tuple[Lab, tuple[str, ...]]:
    """Return the lab with those machines noticed that have been silent for long enough, and their names."""
    due = [item for item in _unnoticed(lab) if now >= notice_at(item)]
    return _with(lab, (replace(item, noticed_at=rfc3339(now)) for item in due)), tuple(item.name for item in due)


def next_notice(lab: Lab) -> float | None:
    """Return the next moment (seconds since the epoch) at which there will be something to notice, or None."""
    return min((notice_at(item) for item in _unnoticed(lab)), default=None)


def notice_at(item: MachinePower) -> float:
    """Return when a stopped machine is noticed, in seconds since the epoch."""
    return epoch(item.stopped_at) + item.notice_after_seconds


def taints_of(node: Node, lab: Lab) -> tuple[Taint, ...]:
    """Return the Node's own taints and those that follow from a cordon, and from a machine that was given up."""
    found = [Taint(key=UNSCHEDULABLE, effect="NoSchedule")] if node.spec.unschedulable else []
    if since := power_of(lab, node.metadata.name).noticed_at:
        found += [Taint(key=UNREACHABLE, effect=effect, time_added=since) for effect in ("NoSchedule", "NoExecute")]
    return (*node.spec.taints, *found)


def as_known(node: Node, lab: Lab) -> Node:
    """Return the Node with all its taints."""
    return replace(node, spec=replace(node.spec, taints=taints_of(node, lab)))


def own_taints(wished: Iterable[Taint], before: Iterable[Taint]) -> tuple[Taint, ...]:
    """Return a Node's own taints out of those wished for: without what only follows, and with the times they had `before`."""
    times = {replace(taint, time_added=""): taint for taint in before}
    return tuple(times.get(replace(taint, time_added=""), taint) for taint in wished if taint.key not in FOLLOWING)


def _unnoticed(lab: Lab) -> list[MachinePower]:
    return [item for item in lab.status.machines if item.stopped_at and not item.noticed_at]


def _with(lab: Lab, changed: Iterable[MachinePower]) -> Lab:
    found = {item.name: item for item in (*lab.status.machines, *changed)}
    return replace(lab, status=replace(lab.status, machines=tuple(found.values())))
