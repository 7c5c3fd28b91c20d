"""Nodes that stop and start, and what the control plane makes of it; taints get their times here.

Whatever is decided is stored in one transaction with its events, so a process killed at any moment neither loses nor repeats
it: `stop_nodes` stores that a machine is off, and whoever reconciles next takes its processes and its namespaces away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from netlab.desired.assignments import Assignments
from netlab.desired.evictions import evictions
from netlab.desired.power import next_notice, notice, start_machines, stop_machines, stopped_nodes
from netlab.desired.workloads import next_moment
from netlab.engine.look import Look
from netlab.engine.session import Session
from netlab.errors import NotFound
from netlab.model.event import Event, event_of
from netlab.model.lab import Cluster, Lab
from netlab.model.meta import Key
from netlab.model.node import Node
from netlab.model.times import rfc3339
from netlab.store.events import record
from netlab.store.store import Store


def stop_nodes(session: Session, names: Sequence[str], notice_after_s: int | None = None) -> list[str]:
    """Switch the machines of these Nodes off and return the names of those that were on.

    `notice_after_s` is after how many seconds the control plane notices; None: after those that the Lab says.

    Raises:
        NotFound: there is no such Node; then none is switched off.
    """
    off = stopped_nodes(_lab_with(session, names))
    _put(session, stop_machines(session.lab, names, session.clock(), notice_after_s))
    return [name for name in names if name not in off]


def start_nodes(session: Session, names: Sequence[str]) -> list[str]:
    """Switch the machines of these Nodes on and return the names of those that were off. Raises NotFound as stop_nodes."""
    off, now = stopped_nodes(_lab_with(session, names)), session.clock()
    started = [name for name in names if name in off]
    with session.store.transaction():
        session.store.put_lab(start_machines(session.lab, names, now))
        _forget_back_offs(session.store, started)
        for name in started:
            for event in started_events(name):
                record(session.store, event, now)
    return started


def _forget_back_offs(store: Store, names: Sequence[str]) -> None:
    """Let containers on these Nodes start again at once: a kubelet's memory of back-offs dies with its machine."""
    bound, restarts = store.assignments().pods, store.restarts()
    for pod in store.cluster().pods:
        if pod.key in bound and bound[pod.key].node in names:
            for container, backoff in restarts.get(pod.metadata.uid, {}).items():
                store.put_restart(pod.metadata.uid, container, replace(backoff, delay_s=0.0, until=0.0))


def started_events(name: str) -> Iterator[Event]:
    """Yield what the kubelet of a machine that has come up says."""
    about = Key("Node", "", name)
    yield event_of(about, "Normal", "Starting", "Starting kubelet.")
    yield event_of(about, "Normal", "NodeReady", f"Node {name} status is now: NodeReady")


def registered_event(name: str) -> Event:
    """Return what the node controller says of a Node it did not know."""
    return event_of(
        Key("Node", "", name), "Normal", "RegisteredNode", f"Node {name} event: Registered Node {name} in Controller"
    )


def watch_nodes(store: Store, cluster: Cluster, now: float) -> Cluster:
    """Notice machines that have been silent for long enough, and give NoExecute taints their times. Inside a transaction."""
    lab, silent = notice(cluster.lab, now)
    if silent:
        store.put_lab(lab)
        for event in _lost_events(cluster, store.assignments(), silent):
            record(store, event, now)
    stamped = [store.put(node) for node in _stamped(cluster.nodes, now)]
    return (cluster.with_lab(lab) if silent else cluster).with_objects(stamped)


def tell_cordons(store: Store, before: Mapping[Key, object], items: Iterable[object], now: float) -> None:
    """Record of each Node what its kubelet says when it is closed to further Pods, or open again."""
    for new in items:
        old = before.get(new.key) if isinstance(new, Node) else None
        if isinstance(new, Node) and isinstance(old, Node) and old.spec.unschedulable != new.spec.unschedulable:
            word = "NodeNotSchedulable" if new.spec.unschedulable else "NodeSchedulable"
            record(store, event_of(new.key, "Normal", word, f"Node {new.metadata.name} status is now: {word}"), now)


def next_moments(look: Look) -> list[float]:
    """Return when there will be something to notice, somebody to evict, or a controller to ask (seconds since the epoch)."""
    found = (
        next_notice(look.cluster.lab), evictions(look.cluster, look.assignments, look.now).next_at,
        next_moment(look.cluster, look.now),
    )  # fmt: skip
    return [moment for moment in found if moment is not None]


def _lab_with(session: Session, names: Iterable[str]) -> Lab:
    cluster = session.store.cluster()
    known = {node.metadata.name for node in cluster.nodes}
    for name in names:
        if name not in known:
            raise NotFound(f'nodes "{name}" not found', origin="Error from server (NotFound)")
    return cluster.lab


def _put(session: Session, lab: Lab) -> None:
    with session.store.transaction():
        session.store.put_lab(lab)


def _lost_events(cluster: Cluster, assignments: Assignments, names: Sequence[str]) -> Iterator[Event]:
    """What the node controller says of Nodes it gives up, and of the Pods there."""
    for name in names:
        yield event_of(Key("Node", "", name), "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady")
    for pod in cluster.pods:
        bound = assignments.pods.get(pod.key)
        if bound and bound.node in names:
            yield event_of(pod.key, "Warning", "NodeNotReady", "Node is not ready")


def _stamped(nodes: Iterable[Node], now: float) -> Iterator[Node]:
    """Those of the Nodes that have NoExecute taints without a time, with one."""
    for node in nodes:
        taints = tuple(
            replace(taint, time_added=rfc3339(now)) if taint.effect == "NoExecute" and not taint.time_added else taint
            for taint in node.spec.taints
        )
        if taints != node.spec.taints:
            yield replace(node, spec=replace(node.spec, taints=taints))
