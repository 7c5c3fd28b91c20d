"""The connections that the machines of a lab track: those of now, and their timeline. For people; nothing is changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from netlab.desired.assignments import Assignments
from netlab.desired.power import stopped_nodes
from netlab.engine.view import read_wish
from netlab.errors import NotFound
from netlab.kernel.connection_watch import ConnectionWatch, tracked
from netlab.kernel.inotify import Watch
from netlab.model.lab import Cluster
from netlab.netstate.conntrack import TrackedConnection
from netlab.netstate.names import OUTSIDE, NetnsName, machine_netns
from netlab.packets.connections import Moment, Timeline, serving
from netlab.packets.names import Names, names_of
from netlab.store.paths import LabPaths

LOOK_AGAIN_S: Final = 1.0
"""Of connections that are older than the watch the kernel does not tell that they are gone: so often they are looked for."""


def tracking_namespaces(cluster: Cluster) -> list[NetnsName]:
    """Return the namespaces of the Nodes that are on, and of the machine outside if it is the load balancer."""
    off = stopped_nodes(cluster.lab)
    names = [node.metadata.name for node in cluster.nodes if node.metadata.name not in off]
    if cluster.lab.spec.load_balancer_ip_mode == "Proxy":
        names.append(OUTSIDE)
    return [machine_netns(cluster.lab.metadata.name, name) for name in names]


def connections(cluster: Cluster) -> Mapping[NetnsName, list[TrackedConnection]]:
    """Return what each of them tracks now. Raises KernelError."""
    return tracked(tracking_namespaces(cluster))


def watch_connections(
    paths: LabPaths, cluster: Cluster, assignments: Assignments, lost: Callable[[], object]
) -> Iterator[tuple[Names, Sequence[Moment]]]:
    """Yield what becomes of connections, with the names of that moment, until the lab is gone.

    `lost` is called once if the kernel had to leave something out. Raises KernelError.
    """
    timeline = Timeline(names_of(cluster, assignments), serving(cluster, assignments))
    spaces = tracking_namespaces(cluster)
    with Watch([paths.state], modified=True) as files, ConnectionWatch(spaces, files, lost) as watch:
        began = [one for name, entries in tracked(spaces).items() for one in timeline.begin(name, entries, time.time_ns())]
        yield timeline.names, began
        looked = time.monotonic()
        while True:
            events, has_changed = watch.wait(max(0.0, looked + LOOK_AGAIN_S - time.monotonic()))
            moments = [moment for event in events for moment in timeline.told(event)]
            if has_changed:
                try:
                    now = read_wish(paths)
                except NotFound:
                    return
                moments += timeline.follow(names_of(*now), serving(*now), time.time_ns())
            if time.monotonic() >= looked + LOOK_AGAIN_S:
                looked = time.monotonic()
                moments += _silent(timeline, spaces, watch)
            yield timeline.names, moments


def _silent(timeline: Timeline, spaces: Sequence[NetnsName], watch: ConnectionWatch) -> list[Moment]:
    """What went without a word. What was told is taken first: it may have begun, and be in no earlier look."""
    told = [moment for event in watch.wait(0)[0] for moment in timeline.told(event)]
    here = {name: {one.identity for one in entries} for name, entries in tracked(spaces).items()}
    return told + [moment for name in spaces for moment in timeline.compare(name, here.get(name, set()), time.time_ns())]
